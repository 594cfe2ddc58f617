# Writes OUTPUT, a C++ file with the bytes of every file of FOLDER that a page is made of. Run by the build.
file(GLOB files LIST_DIRECTORIES FALSE ${FOLDER}/*.html ${FOLDER}/*.css ${FOLDER}/*.js)
list(SORT files)
set(entries "")
foreach(file IN LISTS files)
  cmake_path(GET file FILENAME name)
  file(READ ${file} text)
  string(APPEND entries "      {\"${name}\", R\"slipway_page(${text})slipway_page\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made from the files of src/api/gateway/pages.
#include \"api/gateway/pages.hpp\"

namespace slipway::api {

const std::map<std::string_view, std::string_view>& page_files() {
  static const std::map<std::string_view, std::string_view> kFiles{
${entries}  };
  return kFiles;
}

}  // namespace slipway::api
")
