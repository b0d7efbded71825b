# The module helper. A module is a folder under src/ with a layer and the modules it may include; a
# dependency on the same layer or a higher one stops the configuration. tests/include_check.py compares
# every #include with what is declared here (the declarations are written to build/…/modules.json).
#
#   countersign_module(store LAYER 1 DEPENDS base SOURCES a.cpp b.cpp TESTS a_test.cpp LINK SQLite::SQLite3)
#
# Layers: 0 base · 1 mail store net · 2 journal mailauth screen · 3 account · 4 mailbox webhook · 5 notify outbox · 6 hold · 7 approve ·
# 8 edges (inbound provider agent review_page console), which never include each other · 9 daemon.

set_property(GLOBAL PROPERTY COUNTERSIGN_MODULES "")

function(countersign_module name)
  cmake_parse_arguments(ARG "" "LAYER" "DEPENDS;SOURCES;TESTS;LINK" ${ARGN})
  set_property(GLOBAL PROPERTY COUNTERSIGN_LAYER_${name} ${ARG_LAYER})
  set_property(GLOBAL APPEND PROPERTY COUNTERSIGN_MODULES ${name})
  set_property(GLOBAL PROPERTY COUNTERSIGN_DEPENDS_${name} "${ARG_DEPENDS}")

  add_library(countersign_${name} STATIC ${ARG_SOURCES})
  target_include_directories(countersign_${name} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(countersign_${name} PUBLIC countersign_options fmt::fmt Boost::json ${ARG_LINK})

  foreach(dependency IN LISTS ARG_DEPENDS)
    get_property(layer GLOBAL PROPERTY COUNTERSIGN_LAYER_${dependency})
    if("${layer}" STREQUAL "")
      message(FATAL_ERROR "module ${name} depends on ${dependency}, which is not declared before it")
    endif()
    if(layer GREATER_EQUAL ARG_LAYER)
      message(FATAL_ERROR
        "module ${name} (layer ${ARG_LAYER}) must not depend on ${dependency} (layer ${layer}): "
        "dependencies point downward only, see docs/flows.md")
    endif()
    target_link_libraries(countersign_${name} PUBLIC countersign_${dependency})
  endforeach()

  if(TARGET countersign_pch)
    target_precompile_headers(countersign_${name} REUSE_FROM countersign_pch)
  endif()

  if(BUILD_TESTING AND ARG_TESTS)
    countersign_test(${name}_test SOURCES ${ARG_TESTS} MODULES ${name})
  endif()
endfunction()

# One GoogleTest program; its cases appear in CTest under their own names.
function(countersign_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;MODULES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 3600)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  foreach(module IN LISTS ARG_MODULES)
    target_link_libraries(${name} PRIVATE countersign_${module})
  endforeach()
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE countersign_options GTest::gmock GTest::gtest_main ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM countersign_pch)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# Writes what was declared, for tests/include_check.py.
function(countersign_write_module_list)
  get_property(modules GLOBAL PROPERTY COUNTERSIGN_MODULES)
  set(entries "")
  foreach(module IN LISTS modules)
    get_property(layer GLOBAL PROPERTY COUNTERSIGN_LAYER_${module})
    get_property(depends GLOBAL PROPERTY COUNTERSIGN_DEPENDS_${module})
    list(TRANSFORM depends PREPEND "\"")
    list(TRANSFORM depends APPEND "\"")
    list(JOIN depends ", " depends)
    list(APPEND entries "  \"${module}\": {\"layer\": ${layer}, \"depends\": [${depends}]}")
  endforeach()
  list(JOIN entries ",\n" body)
  file(WRITE "${CMAKE_BINARY_DIR}/modules.json" "{\n${body}\n}\n")
endfunction()
