// Writes the database that a release leaves behind for the tests of all later ones: make_store_sample FILE.
#include <boost/json/parse.hpp>
#include <cstdio>

#include "store/sqlite_store.hpp"

namespace {

using namespace slipway;
using namespace slipway::store;

RowChange put(const char* table, const char* id, int version, const char* body) {
  return {.kind = RowChange::Kind::Put,
          .row = {.table = table,
                  .id = id,
                  .version = version,
                  .owner = "prin-admin",
                  .project = "prj-default",
                  .body = boost::json::parse(body)}};
}

HistoryEntry entry(const char* command) {
  return {.sequence = 0,
          .time = WallTime(std::chrono::milliseconds(1'767'225'600'000)),
          .principal = "prin-admin",
          .command = command,
          .objects = {"job-sample1"},
          .detail = boost::json::object{}};
}

Result<void> write_sample(const char* path) {
  SLIPWAY_ASSIGN(const auto store, open_sqlite_store(path));
  return store->commit({
      {.changes = {put("jobs", "job-sample1", 1, R"({"state":"QUEUED"})"),
                   put("jobs", "job-sample2", 1, R"({"state":"QUEUED"})"), put("pools", "pool-sample", 1, "{}")},
       .history = entry("SubmitJob")},
      {.changes = {put("jobs", "job-sample1", 2, R"({"state":"SUCCEEDED","exit_code":0})")},
       .history = entry("MarkJobSucceeded")},
  });
}

}  // namespace

int main(int argc, char** argv) {
  const Result<void> done =
      argc == 2 ? write_sample(argv[1]) : fail(Code::InvalidInput, "usage: make_store_sample FILE");
  if (!done) std::fprintf(stderr, "%s\n", done.error().text().c_str());
  return done ? 0 : 1;
}
