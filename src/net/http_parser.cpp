#include "net/http_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>

namespace slipway::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using BeastView = boost::beast::string_view;
using ErrorCode = boost::system::error_code;

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

template <bool kRequest>
class BeastParser final : public MessageParser, private http::basic_parser<kRequest> {
  using Base = http::basic_parser<kRequest>;

 public:
  BeastParser(HeadLimits limits, bool without_body) : limits_(limits) {
    Base::header_limit(static_cast<std::uint32_t>(limits.bytes));
    Base::body_limit(boost::none);  // callers count: only they know their limit
    if (without_body) Base::skip(true);
  }

  Step step(std::string_view input) override {
    if (Base::is_done()) return {.kind = ended_ ? Kind::NeedMore : end()};
    if (input.empty()) return {};
    if (kRequest && !Base::got_some() && !is_token_char(input.front())) {
      return bad(400, "the first byte is none of a method");
    }
    const bool had_head = Base::is_header_done();
    piece_ = {};
    ErrorCode error;
    const std::size_t consumed = Base::put(boost::asio::const_buffer(input.data(), input.size()), error);
    if (!had_head) head_bytes_ += consumed;
    if (status_ != 0) return bad(status_, detail_);
    if (error && error != http::error::need_more) return rejected(error);
    if (!had_head) return after_head_bytes(consumed, input.size() - consumed);
    if (!piece_.empty()) return {.kind = Kind::Piece, .consumed = consumed, .piece = piece_};
    if (Base::is_done()) return {.kind = end(), .consumed = consumed};
    return {.kind = consumed > 0 ? Kind::Progress : Kind::NeedMore, .consumed = consumed};
  }

  bool end_of_input() override {
    if (Base::is_done()) return true;
    if (!Base::got_some()) return false;
    ErrorCode error;
    Base::put_eof(error);
    return !error;
  }

  [[nodiscard]] const Head& head() const override { return head_; }
  [[nodiscard]] Head take_head() override { return std::move(head_); }
  [[nodiscard]] bool complete() const override { return Base::is_done(); }

 private:
  Kind end() {
    ended_ = true;
    return Kind::End;
  }
  static Step bad(int status, std::string detail) {
    return {.kind = Kind::Bad, .status = status, .detail = std::move(detail)};
  }
  static Step rejected(const ErrorCode& error) {
    if (error == http::error::header_limit) return bad(431, "the head is too large");
    if (error == http::error::bad_version) return bad(400, "the protocol version is none of HTTP/1.0 and HTTP/1.1");
    return bad(400, error.message());
  }

  Step after_head_bytes(std::size_t consumed, std::size_t left) {
    if (!Base::is_header_done()) {
      if (head_bytes_ + left > limits_.bytes) return bad(431, fmt::format("the head is over {} bytes", limits_.bytes));
      return {.kind = consumed > 0 ? Kind::Progress : Kind::NeedMore, .consumed = consumed};
    }
    if (head_bytes_ > limits_.bytes) return bad(431, fmt::format("the head is over {} bytes", limits_.bytes));
    if (const auto length = Base::content_length()) head_.content_length = *length;
    head_.keep_alive = Base::keep_alive();
    head_.upgrade = Base::upgrade();
    return {.kind = Kind::Head, .consumed = consumed};
  }

  void refuse(int status, std::string detail, ErrorCode& error) {
    status_ = status;
    detail_ = std::move(detail);
    error = http::error::bad_value;
  }

  void on_request_impl(http::verb, BeastView method, BeastView target, int version, ErrorCode&) override {
    head_.method = method;
    head_.target = target;
    head_.http_1_0 = version < 11;
  }
  void on_response_impl(int status, BeastView, int version, ErrorCode& error) override {
    if (status < 100) return refuse(400, "a status below 100", error);
    head_.status = status;
    head_.http_1_0 = version < 11;
  }

  void on_field_impl(http::field field, BeastView name, BeastView value, ErrorCode& error) override {
    if (++fields_ > limits_.fields) return refuse(431, fmt::format("more than {} fields", limits_.fields), error);
    if (Base::is_header_done()) return;  // a trailer: nobody here reads one
    check_field(field, value, error);
    if (!error) head_.headers.add(std::string(name), std::string(value));
  }

  /// What leaves two readers of one connection with different ideas of where a message ends.
  void check_field(http::field field, BeastView value, ErrorCode& error) {
    if (field == http::field::content_length && std::exchange(has_length_, true)) {
      return refuse(400, "two content lengths", error);
    }
    if (field == http::field::content_length && value.find(',') != BeastView::npos) {
      return refuse(400, "a list of content lengths", error);
    }
    if (kRequest && field == http::field::host && std::exchange(has_host_, true)) {
      return refuse(400, "two Host fields", error);
    }
    if (field == http::field::transfer_encoding && !iequals(value, "chunked")) {
      return refuse(501, "only the transfer encoding 'chunked' is understood", error);
    }
    if (field == http::field::transfer_encoding && head_.http_1_0) {
      return refuse(400, "a transfer encoding in HTTP/1.0", error);
    }
    if (kRequest && field == http::field::expect) {
      if (!iequals(value, "100-continue")) return refuse(417, "only the expectation 100-continue is understood", error);
      head_.expects_continue = !head_.http_1_0;
    }
  }

  void on_header_impl(ErrorCode& error) override {
    if (kRequest && !head_.http_1_0 && !has_host_) refuse(400, "no Host field", error);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode&) override {}
  std::size_t on_body_impl(BeastView body, ErrorCode&) override {
    piece_ = {body.data(), body.size()};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, ErrorCode&) override {
    piece_ = {body.data(), body.size()};
    return body.size();
  }
  void on_finish_impl(ErrorCode&) override {}

  HeadLimits limits_;
  Head head_;
  std::size_t head_bytes_ = 0;
  std::size_t fields_ = 0;
  bool has_host_ = false, has_length_ = false, ended_ = false;
  int status_ = 0;
  std::string detail_;
  std::string_view piece_;
};

}  // namespace

std::unique_ptr<MessageParser> MessageParser::for_request(HeadLimits limits) {
  return std::make_unique<BeastParser<true>>(limits, false);
}
std::unique_ptr<MessageParser> MessageParser::for_response(HeadLimits limits, bool without_body) {
  return std::make_unique<BeastParser<false>>(limits, without_body);
}

std::string_view reason_phrase(int status) {
  if (status == 103) return "Early Hints";  // younger than Beast's table
  if (http::int_to_status(static_cast<unsigned>(status)) == http::status::unknown) return "Unknown";
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

}  // namespace slipway::net
