#include "cloud/ec2_cloud.hpp"

#include <mutex>
#include <thread>

#include "base/digest.hpp"
#include "cloud/ec2_caller.hpp"
#include "cloud/ec2_xml.hpp"
#include "net/curl_client.hpp"

namespace slipway::cloud {
namespace {

/// EC2 takes at most 200 values for one filter (EC2 API Reference, Filter).
constexpr std::size_t kMaxFilterValues = 200;
/// The largest page of every describe action that is used here.
constexpr const char* kPageSize = "1000";
/// More pages than any account of ours fills: a peer that gives tokens for ever must not keep us.
constexpr int kMaxPages = 1000;

/// A connection for each thread that is calling right now: a client serves one at a time.
class Connections {
 public:
  explicit Connections(const Ec2Options& options)
      : url_(options.endpoint.empty() ? "https://ec2." + options.region + ".amazonaws.com/" : options.endpoint),
        credentials_{.access_key_id = options.access_key_id,
                     .secret_access_key = options.secret_access_key,
                     .session_token = options.session_token,
                     .region = options.region,
                     .service = "ec2"} {
    if (!url_.ends_with('/')) url_ += '/';
  }

  Result<net::Response> send(const std::string& body) {
    net::CurlRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body = body;
    request.sign = credentials_;
    net::CurlClient client = take();
    auto response = client.request(request);
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(client));
    return response;
  }

 private:
  net::CurlClient take() {
    const std::scoped_lock lock(mutex_);
    if (idle_.empty()) return {};
    net::CurlClient client = std::move(idle_.back());
    idle_.pop_back();
    return client;
  }

  std::string url_;
  net::AwsCredentials credentials_;
  std::mutex mutex_;
  std::vector<net::CurlClient> idle_;  ///< guarded by mutex_
};

Ec2Query launch_query(const LaunchRequest& request) {
  Ec2Query query("RunInstances");
  query.add("ImageId", request.image_id).add("InstanceType", request.instance_type);
  query.add("MinCount", "1").add("MaxCount", "1");
  // A job that gets at the metadata must not get further than its own host's token (IMDSv2, one hop).
  query.add("MetadataOptions.HttpTokens", "required").add("MetadataOptions.HttpPutResponseHopLimit", "1");
  query.add("MetadataOptions.HttpEndpoint", "enabled");
  if (!request.client_token.empty()) query.add("ClientToken", request.client_token);
  if (!request.user_data.empty()) query.add("UserData", base64_encode(request.user_data));
  if (!request.key_name.empty()) query.add("KeyName", request.key_name);
  int index = 0;
  for (const std::string& group : request.security_group_ids) {
    query.add(fmt::format("SecurityGroupId.{}", ++index), group);
  }
  query.add_tag_specification(1, "instance", request.tags).add_tag_specification(2, "volume", request.tags);
  return query;
}

class Ec2Cloud final : public Cloud {
 public:
  explicit Ec2Cloud(const Ec2Options& options)
      : connections_(options),
        caller_([this](const std::string& body) { return connections_.send(body); },
                [](Duration delay) { std::this_thread::sleep_for(delay); }, random_) {}

  Result<Instance> run_instance(const LaunchRequest& request) override {
    const Repeat repeat = request.client_token.empty() ? Repeat::OnlyIfNotDoneYet : Repeat::Safe;
    SLIPWAY_ASSIGN(const std::string xml, caller_.call(launch_query(request), repeat));
    SLIPWAY_ASSIGN(std::vector<Instance> made, parse_launched(xml));
    if (made.size() != 1) return fail(Code::Unavailable, "RunInstances answered with {} instances", made.size());
    return std::move(made.front());
  }

  Result<void> check_launch(const LaunchRequest& request) override {
    Ec2Query query = launch_query(request);
    query.add("DryRun", "true");
    const auto answer = caller_.call(query, Repeat::Safe);
    // EC2 answers a dry run with an error either way; this one means that it would have gone through.
    if (answer || answer.error().message.find("DryRunOperation") != std::string::npos) return {};
    return fail(answer.error());
  }

  Result<std::vector<Instance>> describe_instances(const Filter& filter) override {
    return describe("DescribeInstances", filter, {.id = "instance-id", .name = "tag:Name"}, parse_instances);
  }

  Result<void> stop_instance(const std::string& instance_id) override { return act("StopInstances", instance_id); }
  Result<void> start_instance(const std::string& instance_id) override { return act("StartInstances", instance_id); }
  Result<void> terminate_instance(const std::string& instance_id) override {
    auto done = act("TerminateInstances", instance_id);
    if (!done && done.error().code == Code::NotFound) return {};
    return done;
  }

  Result<std::string> console_output(const std::string& instance_id) override {
    Ec2Query query("GetConsoleOutput");
    query.add("InstanceId", instance_id).add("Latest", "true");
    auto xml = caller_.call(query, Repeat::Safe);
    if (!xml && xml.error().code == Code::Unsupported) {  // instance types before Nitro keep no latest output
      Ec2Query older("GetConsoleOutput");
      older.add("InstanceId", instance_id);
      xml = caller_.call(older, Repeat::Safe);
    }
    SLIPWAY_TRY(xml);
    return parse_console(*xml);
  }

  Result<std::string> create_image(const std::string& instance_id, const std::string& name,
                                   const std::string& description, const Tags& tags) override {
    Ec2Query query("CreateImage");
    query.add("InstanceId", instance_id).add("Name", name);
    if (!description.empty()) query.add("Description", description);
    query.add_tag_specification(1, "image", tags).add_tag_specification(2, "snapshot", tags);
    SLIPWAY_ASSIGN(const std::string xml, caller_.call(query, Repeat::OnlyIfNotDoneYet));
    return parse_element(xml, "imageId");
  }

  Result<std::vector<Image>> describe_images(const Filter& filter) override {
    return describe("DescribeImages", filter, {.id = "image-id", .name = "name"}, parse_images, "Owner.1");
  }

  Result<void> deregister_image(const std::string& image_id) override {
    Ec2Query query("DeregisterImage");
    // Without it the snapshots stay behind, and cost.
    query.add("ImageId", image_id).add("DeleteAssociatedSnapshots", "true");
    SLIPWAY_TRY(caller_.call(query, Repeat::Safe));
    return {};
  }

  Result<KeyPair> create_key_pair(const std::string& name, const Tags& tags) override {
    Ec2Query query("CreateKeyPair");
    query.add("KeyName", name).add("KeyType", "ed25519").add_tag_specification(1, "key-pair", tags);
    SLIPWAY_ASSIGN(const std::string xml, caller_.call(query, Repeat::OnlyIfNotDoneYet));
    return parse_created_key_pair(xml);
  }

  Result<std::vector<KeyPair>> describe_key_pairs(const Filter& filter) override {
    return describe("DescribeKeyPairs", filter, {.id = "key-pair-id", .name = "key-name"}, parse_key_pairs);
  }

  Result<void> delete_key_pair(const std::string& name) override {
    Ec2Query query("DeleteKeyPair");
    query.add("KeyName", name);
    auto done = caller_.call(query, Repeat::Safe);
    if (!done && done.error().code != Code::NotFound) return fail(std::move(done).error());
    return {};
  }

  Result<SecurityGroup> create_security_group(const std::string& name, const std::string& description,
                                              const Tags& tags) override {
    Ec2Query query("CreateSecurityGroup");
    query.add("GroupName", name).add("GroupDescription", description).add_tag_specification(1, "security-group", tags);
    SLIPWAY_ASSIGN(const std::string xml, caller_.call(query, Repeat::OnlyIfNotDoneYet));
    SLIPWAY_ASSIGN(std::string id, parse_element(xml, "groupId"));
    return SecurityGroup{.group_id = std::move(id), .group_name = name, .tags = tags};
  }

  Result<void> authorize_ingress(const std::string& group_id, int port, const std::string& cidr) override {
    Ec2Query query("AuthorizeSecurityGroupIngress");
    query.add("GroupId", group_id).add("IpPermissions.1.IpProtocol", "tcp");
    query.add("IpPermissions.1.FromPort", std::to_string(port)).add("IpPermissions.1.ToPort", std::to_string(port));
    if (cidr.find(':') == std::string::npos) {
      query.add("IpPermissions.1.IpRanges.1.CidrIp", cidr);
    } else {
      query.add("IpPermissions.1.Ipv6Ranges.1.CidrIpv6", cidr);
    }
    auto done = caller_.call(query, Repeat::Safe);
    // InvalidPermission.Duplicate: the rule stands already.
    if (!done && done.error().code != Code::Conflict) return fail(std::move(done).error());
    return {};
  }

  Result<std::vector<SecurityGroup>> describe_security_groups(const Filter& filter) override {
    return describe("DescribeSecurityGroups", filter, {.id = "group-id", .name = "group-name"}, parse_security_groups);
  }

  Result<void> delete_security_group(const std::string& group_id) override {
    Ec2Query query("DeleteSecurityGroup");
    query.add("GroupId", group_id);
    SLIPWAY_TRY(caller_.call(query, Repeat::Safe));
    return {};
  }

  Result<std::vector<Volume>> describe_volumes(const Filter& filter) override {
    return describe("DescribeVolumes", filter, {.id = "volume-id", .name = "tag:Name"}, parse_volumes);
  }

  Result<std::vector<Address>> describe_addresses(const Filter& filter) override {
    auto found = describe("DescribeAddresses", filter, {.id = "allocation-id", .name = "tag:Name"}, parse_addresses);
    if (!found && found.error().code == Code::Unsupported) return std::vector<Address>{};
    return found;
  }

  Result<void> create_tags(const std::string& resource_id, const Tags& tags) override {
    Ec2Query query("CreateTags");
    query.add("ResourceId.1", resource_id);
    int index = 0;
    for (const auto& [key, value] : tags) {
      query.add(fmt::format("Tag.{}.Key", ++index), key).add(fmt::format("Tag.{}.Value", index), value);
    }
    SLIPWAY_TRY(caller_.call(query, Repeat::Safe));
    return {};
  }

 private:
  Result<void> act(const char* action, const std::string& instance_id) {
    Ec2Query query(action);
    query.add("InstanceId.1", instance_id);
    SLIPWAY_TRY(caller_.call(query, Repeat::Safe));
    return {};
  }

  /// All pages; a long list of ids is asked for in parts. `own_only`: name of the owner parameter, or null.
  template <typename T>
  Result<std::vector<T>> describe(const char* action, const Filter& filter, FilterNames names,
                                  Result<Page<T>> (*parse)(std::string_view), const char* own_only = nullptr) {
    std::vector<T> out;
    std::size_t first = 0;
    do {
      Filter part = filter;
      const std::size_t last = std::min(filter.ids.size(), first + kMaxFilterValues);
      part.ids.assign(filter.ids.begin() + static_cast<std::ptrdiff_t>(first),
                      filter.ids.begin() + static_cast<std::ptrdiff_t>(last));
      Ec2Query base(action);
      base.add_filter(part, names);
      if (own_only != nullptr) base.add(own_only, "self");
      SLIPWAY_TRY(append_pages(base, parse, out));
      first = last;
    } while (first < filter.ids.size());
    return out;
  }

  template <typename T>
  Result<void> append_pages(const Ec2Query& base, Result<Page<T>> (*parse)(std::string_view), std::vector<T>& into) {
    std::string token;
    for (int i = 0; i < kMaxPages; ++i) {
      Ec2Query query = base;
      // These have no pages and refuse their parameters.
      if (base.action() != "DescribeKeyPairs" && base.action() != "DescribeAddresses")
        query.add("MaxResults", kPageSize);
      if (!token.empty()) query.add("NextToken", token);
      SLIPWAY_ASSIGN(const std::string xml, caller_.call(query, Repeat::Safe));
      SLIPWAY_ASSIGN(Page<T> page, parse(xml).context("reading the answer of " + base.action()));
      std::ranges::move(page.items, std::back_inserter(into));
      if (page.next_token.empty()) return {};
      token = std::move(page.next_token);
    }
    return fail(Code::Unavailable, "{} gave more than {} pages", base.action(), kMaxPages);
  }

  Connections connections_;
  SystemRandom random_;
  Ec2Caller caller_;
};

}  // namespace

std::unique_ptr<Cloud> make_ec2_cloud(Ec2Options options) { return std::make_unique<Ec2Cloud>(options); }

}  // namespace slipway::cloud
