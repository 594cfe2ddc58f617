#include "api/blob_exchange.hpp"

#include <boost/json.hpp>

#include "api/call.hpp"
#include "wire/api_requests.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kMissingBodyBytes = 4 << 20;  // twenty thousand digests are 1.4 MB

net::Response json_response(int status, const boost::json::value& body) {
  net::Response response{.status = status};
  response.headers.add("Content-Type", "application/json");
  response.body = boost::json::serialize(body);
  return response;
}

/// The blob is here already: the bytes are only compared.
void check_upload(std::shared_ptr<net::Exchange> exchange, const std::string& sha256) {
  auto digest = std::make_shared<Sha256>();
  exchange->read_body_pieces(
      controller::BlobStore::kMaxBlobBytes,
      [digest](std::string_view piece) -> Result<void> {
        digest->update(piece);
        return {};
      },
      [exchange, digest, sha256](const Result<void>& read) {
        if (!read) return exchange->respond(problem(read.error()));
        if (digest->finish_hex() != sha256)
          return exchange->respond(
              problem(fail(Code::InvalidInput, "the bytes sent are not those of {}", sha256).error()));
        exchange->respond(json_response(200, {{"sha256", sha256}}));
      });
}

void finish_upload(BlobPorts ports, std::shared_ptr<net::Exchange> exchange,
                   std::shared_ptr<controller::BlobWriter> writer, const std::string& sha256) {
  ports.files.offload(
      ports.edge, [writer] { return writer->finish(); },
      [exchange, sha256](const Result<void>& finished) {
        exchange->respond(finished ? json_response(201, {{"sha256", sha256}}) : problem(finished.error()));
      });
}

}  // namespace

void answer_missing_blobs(BlobPorts ports, std::shared_ptr<net::Exchange> exchange) {
  exchange->read_body(kMissingBodyBytes, [ports, exchange](const Result<std::string>& body) {
    if (!body) return exchange->respond(problem(body.error()));
    const auto request = wire::parse_missing_blobs(*body);
    if (!request) return exchange->respond(problem(request.error()));
    ports.files.offload(
        ports.edge, [ports, digests = request->sha256] { return ports.blobs.missing(digests); },
        [exchange](const std::vector<std::string>& missing) {
          exchange->respond(json_response(200, {{"missing", boost::json::value_from(missing)}}));
        });
  });
}

void receive_blob(BlobPorts ports, std::shared_ptr<net::Exchange> exchange, const std::string& sha256) {
  const auto length = exchange->head().content_length;
  if (length && *length > controller::BlobStore::kMaxBlobBytes)
    return exchange->respond(
        problem(fail(Code::TooLarge, "a file may have 4 GiB; this one has {} bytes", *length).error()));
  if (ports.blobs.has(sha256)) return check_upload(exchange, sha256);
  auto begun = ports.blobs.begin(sha256);
  if (!begun) return exchange->respond(problem(begun.error()));
  const std::shared_ptr<controller::BlobWriter> writer = std::move(*begun);
  exchange->read_body_pieces(
      controller::BlobStore::kMaxBlobBytes, [writer](std::string_view piece) { return writer->write(piece); },
      [ports, exchange, writer, sha256](const Result<void>& read) {
        if (!read) return exchange->respond(problem(read.error()));
        finish_upload(ports, exchange, writer, sha256);
      });
}

void send_blob(BlobPorts ports, std::shared_ptr<net::Exchange> exchange, const std::string& sha256,
               const std::string& content_type) {
  auto blob = ports.blobs.read(sha256);
  if (!blob) return exchange->respond(problem(blob.error()));
  net::Headers headers;
  headers.add("Content-Type", content_type);
  headers.add("X-Content-Type-Options", "nosniff");  // bytes of a job; no browser may guess what they are
  exchange->respond_with_file(200, std::move(headers), std::move(blob->file), 0, blob->size_bytes);
}

}  // namespace slipway::api
