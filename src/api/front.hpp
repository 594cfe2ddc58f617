// Front: the people's listener: health, authentication, dispatch. Edge thread.
#pragma once
#include <memory>

#include "api/call.hpp"
#include "auth/token_table.hpp"

namespace slipway::api {

class Front {
 public:
  Front(Context& context, auth::TokenTable tokens) : context_(context), tokens_(std::move(tokens)) {}
  void handle(std::shared_ptr<net::Exchange> exchange);

 private:
  void health(const std::shared_ptr<net::Exchange>& exchange, bool ready);
  void dispatch(std::shared_ptr<net::Exchange> exchange, std::string_view path, std::string_view query);

  Context& context_;
  const auth::TokenTable tokens_;
};

}  // namespace slipway::api
