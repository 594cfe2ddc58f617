# The language, the warnings and the switches that every target shares.

option(SLIPWAY_BUILD_TESTS "Build unit tests" ON)
option(SLIPWAY_BUILD_BENCH "Build micro benchmarks" OFF)
option(SLIPWAY_BUILD_FUZZERS "Build libFuzzer targets" OFF)
option(SLIPWAY_SANITIZE "Build everything with AddressSanitizer and UBSan" OFF)
option(SLIPWAY_STATIC_AGENT "Link slipway-agent fully static" OFF)
# Sources of a room are compiled about ten at a time, which takes a third of the time of a build from nothing. Names in
# anonymous namespaces must then differ within a room, or the file says SKIP_UNITY_BUILD_INCLUSION in the room's CMakeLists.txt.
option(SLIPWAY_UNITY "Compile a room's sources in batches" OFF)
set(CMAKE_UNITY_BUILD_BATCH_SIZE 10)
option(SLIPWAY_FAILPOINTS "Compile the named failpoints in (test builds only)" OFF)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} corrupts memory in some co_await statements (an aggregate temporary, "
    "a class-typed ?: or a braced list in the same statement). Use clang 19: cmake --preset release, "
    "or set CMAKE_CXX_COMPILER=clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# One flag for every unit, so that one precompiled header serves libraries and programs alike.
add_compile_options(-fPIC)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

find_program(SLIPWAY_CCACHE ccache)
if(SLIPWAY_CCACHE)
  # A precompiled header carries a time stamp that would make every cache look-up miss.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${SLIPWAY_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion -Wno-sign-conversion -Werror=return-type
                    -Werror=unused-result -Wno-missing-designated-field-initializers -fno-omit-frame-pointer)
find_program(SLIPWAY_LLD NAMES ld.lld-19 ld.lld)
if(SLIPWAY_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(--ld-path=${SLIPWAY_LLD})
endif()

if(SLIPWAY_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
  if(SLIPWAY_BUILD_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
endif()
if(SLIPWAY_FAILPOINTS)
  add_compile_definitions(SLIPWAY_FAILPOINTS=1)
endif()
add_compile_definitions(SLIPWAY_VERSION="${PROJECT_VERSION}")

if(BUILD_SHARED_LIBS)
  # An undeclared link fails here instead of working by luck.
  add_link_options(-Wl,-z,defs)
endif()
