#include "api/blob_exchange.hpp"
#include "api/routes.hpp"

namespace slipway::api {

void handle_missing_blobs(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Blob, {}}); !may)
    return call->refuse(may.error());
  answer_missing_blobs({call->context.edge, call->context.files, call->context.runner.blobs()}, call->exchange);
}

void handle_put_blob(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Blob, {}}); !may)
    return call->refuse(may.error());
  receive_blob({call->context.edge, call->context.files, call->context.runner.blobs()}, call->exchange,
               call->parameters.at("sha256"));
}

}  // namespace slipway::api
