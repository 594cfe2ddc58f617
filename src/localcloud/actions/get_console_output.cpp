#include "base/digest.hpp"
#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

Ec2Result<Reply> finish(const ActionContext& context, const std::string& id, const std::string& console) {
  const auto root = context.response.root();
  root.text("instanceId", id);
  root.time("timestamp", context.now);
  root.text("output", base64_encode(console));
  return context.reply();
}

}  // namespace

Ec2Result<Reply> get_console_output(const ActionContext& context) {
  EC2_ASSIGN(const auto id, context.parameters.required("InstanceId"));
  EC2_TRY(find_instance(context, id));
  EC2_TRY(context.parameters.boolean("Latest", false));
  Reply reply;
  reply.blocking = [&context, id]() -> Resume {
    return [&context, id, console = context.machines.console(id)] { return finish(context, id, console); };
  };
  return reply;
}

}  // namespace slipway::localcloud
