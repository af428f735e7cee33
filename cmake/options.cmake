# SPDX-License-Identifier: GPL-2.0-or-later
# Options of a build, and the compiler flags that follow from them.

option(FINWALL_WERROR "Treat warnings as errors" OFF)
option(FINWALL_LTO "Optimise across files at link time" OFF)
option(FINWALL_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(FINWALL_COVERAGE "Count the lines that a run reaches (gcc)" OFF)
option(FINWALL_TESTS "Build the tests (needs Check)" ON)
set(FINWALL_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON) # tests/arch/circles.py reads it

# The flags of every finwall target.
add_library(finwall_flags INTERFACE)
target_include_directories(finwall_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(finwall_flags INTERFACE _GNU_SOURCE)
target_compile_options(finwall_flags INTERFACE
	-Wall -Wextra -Wshadow -Wcast-qual -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wvla -Wformat=2 -Wundef -Wwrite-strings -Wimplicit-fallthrough
	$<$<C_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op>
	-fno-strict-aliasing -fno-common
	$<$<BOOL:${FINWALL_WERROR}>:-Werror>)

if(FINWALL_SANITIZE)
	target_compile_options(finwall_flags INTERFACE
		-fsanitize=${FINWALL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
	target_link_options(finwall_flags INTERFACE -fsanitize=${FINWALL_SANITIZE})
	if(FINWALL_SANITIZE MATCHES "thread")
		# gcc: ThreadSanitizer does not follow atomic_thread_fence(), which leases use.
		target_compile_options(finwall_flags INTERFACE
			$<$<C_COMPILER_ID:GNU>:-Wno-error=tsan>)
	endif()
	if(FINWALL_FUZZ)
		target_compile_options(finwall_flags INTERFACE -fsanitize=fuzzer-no-link)
	endif()
else()
	target_compile_options(finwall_flags INTERFACE -fstack-protector-strong)
	target_compile_definitions(finwall_flags INTERFACE
		$<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
	target_link_options(finwall_flags INTERFACE -Wl,-z,relro,-z,now)
endif()

if(FINWALL_COVERAGE)
	# Workers count at the same time.
	target_compile_options(finwall_flags INTERFACE --coverage -fprofile-update=atomic)
	target_link_options(finwall_flags INTERFACE --coverage)
endif()

if(FINWALL_LTO)
	include(CheckIPOSupported)
	check_ipo_supported(RESULT finwall_ipo OUTPUT finwall_ipo_why LANGUAGES C)
	if(finwall_ipo)
		set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
	else()
		message(STATUS "no link-time optimisation: ${finwall_ipo_why}")
	endif()
endif()
