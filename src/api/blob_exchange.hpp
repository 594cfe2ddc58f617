// Blobs over HTTP, the same for people and for agents, once the caller has proved itself. Edge thread.
#pragma once
#include <memory>
#include <string>

#include "controller/blob_store.hpp"
#include "net/http_server.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

struct BlobPorts {
  runtime::Loop& edge;
  runtime::BlockingPool& files;
  controller::BlobStore& blobs;
};

/// POST …/missing: {"sha256": […]} → {"missing": […]}.
void answer_missing_blobs(BlobPorts ports, std::shared_ptr<net::Exchange> exchange);
/// PUT …/<sha256>: 201, or 200 if it was here; 400 if the bytes are others.
void receive_blob(BlobPorts ports, std::shared_ptr<net::Exchange> exchange, const std::string& sha256);
/// GET …/<sha256>.
void send_blob(BlobPorts ports, std::shared_ptr<net::Exchange> exchange, const std::string& sha256,
               const std::string& content_type = "application/octet-stream");

}  // namespace slipway::api
