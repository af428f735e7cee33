# SPDX-License-Identifier: GPL-2.0-or-later

# finwall_check_test(NAME LIB...): builds NAME.c, a program of Check suites, and runs it as a test.
function(finwall_check_test name)
	add_executable(${name} ${name}.c)
	target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CHECK finwall_flags)
	target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/daemon)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
endfunction()

# finwall_model_test(NAME LIB...): builds NAME.c, which compares a fast structure with a naive one, and
# runs it with a random seed, which it prints. FINWALL_SEED in the environment repeats a run.
function(finwall_model_test name)
	add_executable(${name} ${name}.c)
	target_link_libraries(${name} PRIVATE ${ARGN} finwall_testkit finwall_flags)
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
	add_test(NAME ${name} COMMAND ${name})
	set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS model)
endfunction()
