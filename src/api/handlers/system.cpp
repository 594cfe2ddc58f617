// Operations that change nothing of ours: who am I, the document, the history.
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {

void handle_whoami(std::shared_ptr<Call> call) { call->answer({.body = wire::api_json(call->principal)}); }

void handle_openapi(std::shared_ptr<Call> call) { call->answer({.body = openapi_document(call->context.version)}); }

void handle_history(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Read, {auth::Kind::History, {}}); !may)
    return call->refuse(may.error());
  const auto after = call->number("after", 0, 0, INT64_MAX);
  if (!after) return call->refuse(after.error());
  const auto limit = call->number("limit", 100, 1, 1000);
  if (!limit) return call->refuse(limit.error());
  call->context.runner.history(
      *after, static_cast<std::size_t>(*limit), [call](Result<std::vector<store::HistoryEntry>> entries) {
        call->context.edge.post([call, entries = std::move(entries)] {
          if (!entries) return call->refuse(entries.error());
          boost::json::array items;
          for (const auto& entry : *entries)
            items.push_back({{"sequence", entry.sequence},
                             {"time", format_time(entry.time)},
                             {"principal", entry.principal},
                             {"command", entry.command},
                             {"objects", boost::json::value_from(entry.objects)},
                             {"detail", entry.detail}});
          boost::json::value next = nullptr;
          if (!entries->empty()) next = entries->back().sequence;
          call->answer({.body = boost::json::object{{"items", std::move(items)}, {"next", std::move(next)}}});
        });
      });
}

}  // namespace slipway::api
