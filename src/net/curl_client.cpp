#include "net/curl_client.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace slipway::net {
namespace {

/// What is collected of an answer; larger ones are for on_bytes.
constexpr std::size_t kCollectedBytes = 256 << 20;

using FieldList = std::unique_ptr<curl_slist, decltype([](curl_slist* list) { curl_slist_free_all(list); })>;

struct File {
  int fd = -1;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

/// One request under way: what libcurl's callbacks see.
struct Call {
  CURL* curl;
  const CurlRequest& request;
  Response response;
  File file;
  bool stopped = false;  ///< on_bytes said so
  bool too_large = false;
};

bool is_success(long status) { return status >= 200 && status < 300; }

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& call = *static_cast<Call*>(user);
  std::string_view line(data, size * count);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    call.response.headers = {};  // what came before belonged to an interim answer
    return size * count;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  call.response.headers.add(std::string(line.substr(0, colon)), std::string(value));
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& call = *static_cast<Call*>(user);
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(call.curl, CURLINFO_RESPONSE_CODE, &status);
  if (call.request.on_bytes && is_success(status)) {
    call.stopped = !call.request.on_bytes(bytes);
    return call.stopped ? 0 : bytes.size();
  }
  call.too_large = call.response.body.size() + bytes.size() > kCollectedBytes;
  if (call.too_large) return 0;
  call.response.body.append(bytes);
  return bytes.size();
}

std::size_t on_read(char* into, std::size_t size, std::size_t count, void* user) {
  const ssize_t got = ::read(static_cast<Call*>(user)->file.fd, into, size * count);
  return got < 0 ? CURL_READFUNC_ABORT : static_cast<std::size_t>(got);
}

int on_seek(void* user, curl_off_t offset, int origin) {
  return lseek(static_cast<Call*>(user)->file.fd, offset, origin) < 0 ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& cancelled = static_cast<Call*>(user)->request.cancelled;
  return cancelled && cancelled() ? 1 : 0;
}

Code code_of(CURLcode error) {
  switch (error) {
    case CURLE_OPERATION_TIMEDOUT:
      return Code::Timeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return Code::Cancelled;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return Code::InvalidInput;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return Code::Denied;
    case CURLE_READ_ERROR:
      return Code::Io;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return Code::Internal;
    default:
      return Code::Unreachable;
  }
}

/// The secrets of `sign` stay out: only method, URL and libcurl's words are told.
Error describe(const Call& call, CURLcode error, const char* detail) {
  const std::string words = detail[0] != '\0' ? detail : curl_easy_strerror(error);
  const std::string where = call.request.unix_path.empty() ? "" : " at " + call.request.unix_path;
  const std::string what = fmt::format("{} {}{}", call.request.method, call.request.url, where);
  if (call.stopped)
    return {.code = Code::Cancelled, .message = what + ": stopped by the receiver", .fix = {}, .context = {}};
  if (call.too_large) {
    return {.code = Code::TooLarge,
            .message = fmt::format("{}: the answer is over {} bytes", what, kCollectedBytes),
            .fix = {},
            .context = {}};
  }
  return {.code = code_of(error), .message = what + ": " + words, .fix = {}, .context = {}};
}

void set_method(Call& call) {
  const std::string& method = call.request.method;
  CURL* curl = call.curl;
  if (call.file.fd >= 0) {
    struct stat info{};
    fstat(call.file.fd, &info);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(info.st_size));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &call);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, &call);
  } else if (!call.request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.request.body.c_str());
  }
  if (method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
}

/// Appends in place: libcurl hands back the list's head.
void add_field(FieldList& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

FieldList fields_of(const CurlRequest& request) {
  FieldList list;
  for (const auto& [name, value] : request.headers.fields()) {
    add_field(list, value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  }
  // Asking first costs a round trip, and our bodies are wanted. libcurl signs also the fields that are taken out, which
  // then are missing; bodies that are signed are far below the size from which it asks.
  if (!request.sign) {
    if (!request.headers.get("Expect")) add_field(list, "Expect:");
    if (!request.headers.get("Content-Type")) add_field(list, "Content-Type:");
  }
  if (request.sign && !request.sign->session_token.empty()) {
    add_field(list, "X-Amz-Security-Token: " + request.sign->session_token);
  }
  return list;
}

void set_signature(CURL* curl, const AwsCredentials& credentials) {
  const std::string scheme = fmt::format("aws:amz:{}:{}", credentials.region, credentials.service);
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scheme.c_str());
  curl_easy_setopt(curl, CURLOPT_USERNAME, credentials.access_key_id.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, credentials.secret_access_key.c_str());
}

void set_times(CURL* curl, const CurlRequest& request) {
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  if (request.stall_timeout.count() > 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(request.stall_timeout);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds.count()));
  }
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/// Nothing from the environment: no proxy, no .netrc, no other protocol, no redirect that would carry secrets along.
void set_closed_world(CURL* curl) {
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
}

void set_callbacks(Call& call) {
  curl_easy_setopt(call.curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(call.curl, CURLOPT_HEADERDATA, &call);
  curl_easy_setopt(call.curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(call.curl, CURLOPT_WRITEDATA, &call);
  curl_easy_setopt(call.curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(call.curl, CURLOPT_XFERINFODATA, &call);
}

}  // namespace

struct CurlClient::State {
  CURL* curl = nullptr;
  State() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    curl = curl_easy_init();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { curl_easy_cleanup(curl); }
};

CurlClient::CurlClient() : state_(std::make_unique<State>()) {}
CurlClient::~CurlClient() = default;
CurlClient::CurlClient(CurlClient&&) noexcept = default;

Result<Response> CurlClient::request(const CurlRequest& request) {
  CURL* curl = state_->curl;
  if (curl == nullptr) return fail(Code::Internal, "libcurl could not be initialised");
  curl_easy_reset(curl);  // options only: the connection stays
  Call call{.curl = curl, .request = request, .response = {}, .file = {}};
  if (!request.body_file.empty()) {
    call.file.fd = ::open(request.body_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (call.file.fd < 0) return fail_errno(errno, "open " + request.body_file);
  }
  std::array<char, CURL_ERROR_SIZE> detail{};
  const FieldList fields = fields_of(request);
  set_closed_world(curl);
  set_times(curl, request);
  set_callbacks(call);
  set_method(call);
  if (request.sign) set_signature(curl, *request.sign);
  if (!request.unix_path.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_path.c_str());
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields.get());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  const CURLcode error = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (error != CURLE_OK) return fail(describe(call, error, detail.data()));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  call.response.status = static_cast<int>(status);
  return std::move(call.response);
}

}  // namespace slipway::net
