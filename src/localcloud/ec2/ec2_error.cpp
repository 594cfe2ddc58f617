#include "localcloud/ec2/ec2_error.hpp"

#include "localcloud/ec2/xml.hpp"

namespace slipway::localcloud {

Ec2Error ec2_error_of(const Error& error) {
  switch (error.code) {
    case Code::Exhausted:
      return {500, "InsufficientInstanceCapacity", error.text()};
    case Code::Unavailable:
    case Code::Timeout:
    case Code::Unreachable:
      return {503, "Unavailable", error.text()};
    default:
      return {500, "InternalError", error.text()};
  }
}

std::string error_document(const Ec2Error& error, std::string_view request_id) {
  XmlDocument document("Response", "");
  auto item = document.root().child("Errors").child("Error");
  item.text("Code", error.code);
  item.text("Message", error.message);
  document.root().text("RequestID", request_id);
  return document.print();
}

}  // namespace slipway::localcloud
