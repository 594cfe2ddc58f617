// JSON of the journal's entries. Orders and reports are written as the protocol writes them.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "agent/core/core.hpp"
#include "agent/journal/journal.hpp"
#include "wire/json.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;
using wire::JsonReader;

std::string progress_text(const ProgressMade& made) {
  const Progress& progress = made.progress;
  // The protocol's report holds every field that both know; a report of a Done record holds them all.
  Record record{.order = {}, .progress = progress};
  record.order.allocation = made.allocation;
  record.progress.phase = Phase::Done;
  json::object object{{"kind", "progress"},
                      {"phase", phase_name(progress.phase)},
                      {"boot_id", progress.boot_id},
                      {"container_id", progress.container_id},
                      {"report", wire::encode(wire::AgentMessage(report_of(record)))}};
  if (progress.stop) {
    object["stop"] = json::object{{"reason", progress.stop->reason},
                                  {"grace_ms", progress.stop->grace.count()},
                                  {"killed", progress.stop->killed},
                                  {"failed", progress.stop->failed}};
  }
  if (progress.ready) object["ready"] = true;
  if (progress.claim) object["claim"] = wire::encode(wire::ControllerMessage(*progress.claim));
  if (!progress.slots.empty()) {
    object["slots"] = json::object{{"ttys", json::value_from(progress.slots.ttys)},
                                   {"uinputs", json::value_from(progress.slots.uinputs)},
                                   {"gpus", json::value_from(progress.slots.gpus)},
                                   {"ports", json::value_from(progress.slots.ports)},
                                   {"user", progress.slots.user}};
  }
  return json::serialize(object);
}

Result<JournalEntry> read_order(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("order"));
  SLIPWAY_ASSIGN(const auto message, wire::decode_controller_message(text));
  if (!message || !std::holds_alternative<wire::StartAllocation>(*message)) {
    return fail(Code::Corrupt, "the journal holds something else where an order should be");
  }
  return JournalEntry(OrderAccepted{std::get<wire::StartAllocation>(*message)});
}

Result<JournalEntry> read_bare_order(const JsonReader& reader) {
  OrderAccepted accepted;
  SLIPWAY_ASSIGN(const std::string id, reader.text("allocation"));
  SLIPWAY_ASSIGN(accepted.order.allocation, AllocationId::parse(id));
  SLIPWAY_ASSIGN(accepted.order.epoch, reader.integer("epoch"));
  return JournalEntry(std::move(accepted));
}

Result<void> read_stop(const JsonReader& reader, Progress& progress) {
  const json::value* value = reader.find("stop");
  if (value == nullptr) return {};
  SLIPWAY_ASSIGN(const JsonReader stop, JsonReader::open(*value, "stop"));
  StopRequest request;
  SLIPWAY_ASSIGN(request.reason, stop.text("reason"));
  SLIPWAY_ASSIGN(const std::int64_t grace, stop.integer("grace_ms"));
  request.grace = Duration(grace);
  SLIPWAY_ASSIGN(request.killed, stop.boolean_or("killed", false));
  SLIPWAY_ASSIGN(request.failed, stop.boolean_or("failed", false));
  progress.stop = std::move(request);
  return {};
}

Result<std::vector<int>> read_numbers(const JsonReader& slots, std::string_view key) {
  std::vector<int> numbers;
  const json::value* list = slots.find(key);
  if (list == nullptr || !list->is_array()) return fail(Code::Corrupt, "{} is no list", slots.path(key));
  for (const json::value& number : list->get_array()) {
    if (!number.is_int64()) return fail(Code::Corrupt, "{} holds something else than numbers", slots.path(key));
    numbers.push_back(static_cast<int>(number.get_int64()));
  }
  return numbers;
}

Result<void> read_slots(const JsonReader& reader, SlotGrant& grant) {
  const json::value* value = reader.find("slots");
  if (value == nullptr) return {};
  SLIPWAY_ASSIGN(const JsonReader slots, JsonReader::open(*value, "slots"));
  SLIPWAY_ASSIGN(grant.ttys, read_numbers(slots, "ttys"));
  SLIPWAY_ASSIGN(grant.uinputs, read_numbers(slots, "uinputs"));
  SLIPWAY_ASSIGN(grant.gpus, read_numbers(slots, "gpus"));
  if (slots.find("ports") == nullptr) return {};  // of an agent that ran no processes
  SLIPWAY_ASSIGN(grant.ports, read_numbers(slots, "ports"));
  SLIPWAY_ASSIGN(const std::int64_t user, slots.integer_or("user", 0));
  grant.user = static_cast<unsigned>(user);
  return {};
}

/// A message of the protocol as it stands below `key`.
template <typename Message>
Result<Message> read_order_of(const JsonReader& reader, std::string_view key) {
  SLIPWAY_ASSIGN(const std::string text, reader.text(key));
  SLIPWAY_ASSIGN(auto message, wire::decode_controller_message(text));
  if (message && std::holds_alternative<Message>(*message)) return std::get<Message>(std::move(*message));
  return fail(Code::Corrupt, "the journal holds something else at {}", reader.path(key));
}

Result<JournalEntry> read_home_task(const JsonReader& reader) {
  SLIPWAY_ASSIGN(auto order, read_order_of<wire::HomeTaskOrder>(reader, "order"));
  return JournalEntry(HomeTaskAccepted{std::move(order)});
}

Result<JournalEntry> read_home_task_end(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("report"));
  SLIPWAY_ASSIGN(auto message, wire::decode_agent_message(text));
  if (!message || !std::holds_alternative<wire::HomeTaskReport>(*message)) {
    return fail(Code::Corrupt, "the journal holds something else where the end of a home task should be");
  }
  return JournalEntry(HomeTaskEnded{std::get<wire::HomeTaskReport>(std::move(*message))});
}

Result<JournalEntry> read_home_task_forgotten(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("task"));
  SLIPWAY_ASSIGN(auto id, HomeTaskId::parse(text));
  return JournalEntry(HomeTaskForgotten{std::move(id)});
}

Result<JournalEntry> read_progress(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("report"));
  SLIPWAY_ASSIGN(const auto message, wire::decode_agent_message(text));
  if (!message || !std::holds_alternative<wire::AllocationReport>(*message)) {
    return fail(Code::Corrupt, "the journal holds something else where a report should be");
  }
  const auto& report = std::get<wire::AllocationReport>(*message);
  ProgressMade made{.allocation = report.allocation, .progress = {}};
  Progress& progress = made.progress;
  SLIPWAY_ASSIGN(const std::string phase, reader.text("phase"));
  SLIPWAY_ASSIGN(progress.phase, phase_from_name(phase));
  SLIPWAY_ASSIGN(progress.boot_id, reader.text("boot_id"));
  SLIPWAY_ASSIGN(progress.container_id, reader.text("container_id"));
  SLIPWAY_TRY(read_stop(reader, progress));
  SLIPWAY_TRY(read_slots(reader, progress.slots));
  SLIPWAY_ASSIGN(progress.ready, reader.boolean_or("ready", false));
  if (reader.find("claim") != nullptr) {
    SLIPWAY_ASSIGN(progress.claim, read_order_of<wire::ClaimAllocation>(reader, "claim"));
  }
  progress.claimed = report.claimed;
  progress.outcome = report.state;
  progress.reason = report.reason;
  progress.exit_code = report.exit_code;
  progress.started_at = report.started_at;
  progress.finished_at = report.finished_at;
  progress.stdout_bytes = report.stdout_bytes;
  progress.stderr_bytes = report.stderr_bytes;
  progress.artifacts = report.artifacts;
  progress.artifacts_note = report.artifacts_note;
  return JournalEntry(std::move(made));
}

Result<JournalEntry> read_forgotten(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("allocation"));
  SLIPWAY_ASSIGN(auto id, AllocationId::parse(text));
  return JournalEntry(Forgotten{std::move(id)});
}

Result<JournalEntry> read_epoch(const JsonReader& reader) {
  SLIPWAY_ASSIGN(const std::string text, reader.text("job"));
  SLIPWAY_ASSIGN(auto id, JobId::parse(text));
  SLIPWAY_ASSIGN(const std::int64_t epoch, reader.integer("epoch"));
  return JournalEntry(EpochAccepted{std::move(id), epoch});
}

}  // namespace

std::string encode_entry(const JournalEntry& entry) {
  if (const auto* accepted = std::get_if<OrderAccepted>(&entry)) {
    if (accepted->order.job.empty()) {  // stopped before its start came: there is no more than this
      return json::serialize(json::object{
          {"kind", "bare_order"}, {"allocation", accepted->order.allocation.text()}, {"epoch", accepted->order.epoch}});
    }
    return json::serialize(
        json::object{{"kind", "order"}, {"order", wire::encode(wire::ControllerMessage(accepted->order))}});
  }
  if (const auto* made = std::get_if<ProgressMade>(&entry)) return progress_text(*made);
  if (const auto* forgotten = std::get_if<Forgotten>(&entry)) {
    return json::serialize(json::object{{"kind", "forgotten"}, {"allocation", forgotten->allocation.text()}});
  }
  if (const auto* task = std::get_if<HomeTaskAccepted>(&entry)) {
    return json::serialize(
        json::object{{"kind", "home_task"}, {"order", wire::encode(wire::ControllerMessage(task->order))}});
  }
  if (const auto* ended = std::get_if<HomeTaskEnded>(&entry)) {
    return json::serialize(
        json::object{{"kind", "home_task_end"}, {"report", wire::encode(wire::AgentMessage(ended->report))}});
  }
  if (const auto* dropped = std::get_if<HomeTaskForgotten>(&entry)) {
    return json::serialize(json::object{{"kind", "home_task_forgotten"}, {"task", dropped->task.text()}});
  }
  const auto& epoch = std::get<EpochAccepted>(entry);
  return json::serialize(json::object{{"kind", "epoch"}, {"job", epoch.job.text()}, {"epoch", epoch.epoch}});
}

Result<JournalEntry> decode_entry(std::string_view text) {
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(text));
  SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(value, "journal entry"));
  SLIPWAY_ASSIGN(const std::string kind, reader.text("kind"));
  if (kind == "order") return read_order(reader);
  if (kind == "bare_order") return read_bare_order(reader);
  if (kind == "progress") return read_progress(reader);
  if (kind == "forgotten") return read_forgotten(reader);
  if (kind == "epoch") return read_epoch(reader);
  if (kind == "home_task") return read_home_task(reader);
  if (kind == "home_task_end") return read_home_task_end(reader);
  if (kind == "home_task_forgotten") return read_home_task_forgotten(reader);
  return fail(Code::Corrupt, "the journal holds an entry of unknown kind '{}'", kind);
}

}  // namespace slipway::agent
