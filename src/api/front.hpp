// Front: the people's listener: whom a request is for, health, authentication, dispatch. Edge thread.
#pragma once
#include <memory>

#include "api/call.hpp"
#include "api/gateway/gateway.hpp"
#include "auth/token_table.hpp"

namespace slipway::api {

class Front {
 public:
  /// `listen_host`: the address of the people's listener.
  Front(Context& context, auth::TokenTable tokens, SessionGateway& sessions, std::string listen_host)
      : context_(context), tokens_(std::move(tokens)), sessions_(sessions), listen_host_(std::move(listen_host)) {}
  void handle(std::shared_ptr<net::Exchange> exchange);

 private:
  void answer(const std::shared_ptr<net::Exchange>& exchange);
  void health(const std::shared_ptr<net::Exchange>& exchange, bool ready);
  void dispatch(std::shared_ptr<net::Exchange> exchange, std::string_view path, std::string_view query);

  Context& context_;
  const auth::TokenTable tokens_;
  SessionGateway& sessions_;
  const std::string listen_host_;
};

}  // namespace slipway::api
