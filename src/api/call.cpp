#include "api/call.hpp"

#include <charconv>

#include "wire/records.hpp"

namespace slipway::api {

namespace {

constexpr const char* kRequestFix = "correct what the message names; GET /api/v1/openapi.json describes every request";

}  // namespace

net::Response problem(const Error& said) {
  Error error = said;
  if (error.code == Code::InvalidInput && error.fix.empty()) error.fix = kRequestFix;
  net::Response response{.status = http_status(error.code)};
  response.headers.add("Content-Type", "application/problem+json");
  if (error.code == Code::Unauthenticated) response.headers.add("WWW-Authenticate", "Bearer");
  response.body = boost::json::serialize(wire::problem_json(error));
  return response;
}

Result<std::int64_t> Call::number(const std::string& name, std::int64_t otherwise, std::int64_t least,
                                  std::int64_t most) const {
  const auto found = query.find(name);
  if (found == query.end()) return otherwise;
  std::int64_t value = 0;
  const auto& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return fail(Code::InvalidInput, "{} must be a number from {} to {}", name, least, most);
  return value;
}

bool Call::flag(const std::string& name) const {
  const auto found = query.find(name);
  return found != query.end() && (found->second == "1" || found->second == "true");
}

Result<std::string> Call::idempotency_key() const {
  constexpr std::size_t kMaxKeyBytes = 200;
  const auto key = exchange->head().headers.get("Idempotency-Key").value_or("");
  if (key.size() > kMaxKeyBytes)
    return fail(Code::InvalidInput, "Idempotency-Key is longer than {} bytes", kMaxKeyBytes);
  return std::string(key);
}

void Call::answer(const Answer& answer) {
  net::Response response{.status = answer.status};
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-store");
  if (answer.version > 0) response.headers.add("ETag", fmt::format("\"{}\"", answer.version));
  response.body = boost::json::serialize(answer.body);
  exchange->respond(std::move(response));
}

void Call::refuse(const Error& error) { exchange->respond(problem(error)); }

void Call::answer_or_refuse(const Result<Answer>& result) {
  if (result)
    answer(*result);
  else
    refuse(result.error());
}

void Call::body(std::size_t limit_bytes, std::function<void(std::string)> then) {
  exchange->read_body(limit_bytes, [self = shared_from_this(), then = std::move(then)](Result<std::string> body) {
    if (body)
      then(std::move(*body));
    else
      self->refuse(body.error());
  });
}

void Call::read(std::function<Result<Answer>(const controller::Core&)> reader) {
  look<Answer>(std::move(reader), [self = shared_from_this()](const Answer& answer) { self->answer(answer); });
}

void Call::change(std::function<Result<Answer>(controller::Step&)> command) {
  auto self = shared_from_this();
  context.runner.call<Answer>(std::move(command), [self](Result<Answer> result) {
    self->context.edge.post([self, result = std::move(result)] { self->answer_or_refuse(result); });
  });
}

}  // namespace slipway::api
