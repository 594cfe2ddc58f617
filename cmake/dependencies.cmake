# Third parties, each as one interface target. All of them are Debian packages (scripts/packages lists them); nothing is
# downloaded. Plain library names are used so that the static agent picks the archives of the same libraries.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)

function(slipway_third_party name)
  cmake_parse_arguments(ARG "" "" "HEADERS;LIBRARIES;DEFINITIONS" ${ARGN})
  add_library(third_party_${name} INTERFACE)
  foreach(header IN LISTS ARG_HEADERS)
    find_path(SLIPWAY_HEADER_${name} ${header})
    if(NOT SLIPWAY_HEADER_${name})
      message(FATAL_ERROR "${header} not found: run scripts/install-packages build")
    endif()
  endforeach()
  target_link_libraries(third_party_${name} INTERFACE ${ARG_LIBRARIES})
  target_compile_definitions(third_party_${name} INTERFACE ${ARG_DEFINITIONS})
endfunction()

# fmt has no static archive in Debian, so it is compiled here, once. spdlog is used header-only, by one file.
slipway_third_party(fmt HEADERS fmt/format.h)
add_library(slipway_fmt ${CMAKE_CURRENT_LIST_DIR}/fmt_library.cpp)
target_compile_options(slipway_fmt PRIVATE -w)
target_link_libraries(third_party_fmt INTERFACE slipway_fmt)
slipway_third_party(spdlog HEADERS spdlog/spdlog.h DEFINITIONS SPDLOG_FMT_EXTERNAL LIBRARIES third_party_fmt)
slipway_third_party(json HEADERS boost/json.hpp LIBRARIES boost_json boost_container)
slipway_third_party(asio HEADERS boost/asio.hpp LIBRARIES Threads::Threads
                    DEFINITIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
slipway_third_party(openssl HEADERS openssl/ssl.h LIBRARIES ssl crypto)
slipway_third_party(cares HEADERS ares.h LIBRARIES cares)
slipway_third_party(curl HEADERS curl/curl.h LIBRARIES curl)
slipway_third_party(sqlite HEADERS sqlite3.h LIBRARIES sqlite3)
slipway_third_party(yaml HEADERS yaml-cpp/yaml.h LIBRARIES yaml-cpp)
slipway_third_party(pugixml HEADERS pugixml.hpp LIBRARIES pugixml)
slipway_third_party(cli11 HEADERS CLI/CLI.hpp)
slipway_third_party(qrencode HEADERS qrencode.h LIBRARIES qrencode)
slipway_third_party(cairo HEADERS cairo/cairo.h LIBRARIES cairo)
