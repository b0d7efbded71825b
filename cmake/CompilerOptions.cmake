# Warnings, sanitizers and feature macros that every target of this project is built with.

add_library(countersign_options INTERFACE)
target_compile_options(countersign_options INTERFACE
  -Wall -Wextra -Werror -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  -fno-omit-frame-pointer)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # -fno-pch-timestamp lets ccache reuse objects that were built with a precompiled header.
  target_compile_options(countersign_options INTERFACE
    -Wno-missing-field-initializers -Xclang -fno-pch-timestamp)
else()
  # g++ 12 reports false positives of these three in std::string and in coroutine frames.
  target_compile_options(countersign_options INTERFACE
    -Wno-missing-field-initializers -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-reference)
  target_compile_options(countersign_options INTERFACE -fcoroutines)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Line tables keep sanitizer reports readable at a fraction of the link time of full debug information.
  string(REPLACE "-g" "" CMAKE_CXX_FLAGS_DEBUG "${CMAKE_CXX_FLAGS_DEBUG}")
  target_compile_options(countersign_options INTERFACE -g1)
endif()

if(COUNTERSIGN_SANITIZE)
  # Without -O1 the tests spend most of their time in what the sanitizers add to templates and coroutines.
  add_compile_options(-O1 -fsanitize=${COUNTERSIGN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COUNTERSIGN_SANITIZE})
endif()

if(COUNTERSIGN_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

if(COUNTERSIGN_FAULT_POINTS)
  target_compile_definitions(countersign_options INTERFACE COUNTERSIGN_FAULT_POINTS=1)
endif()

target_compile_definitions(countersign_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  SPDLOG_FMT_EXTERNAL)
