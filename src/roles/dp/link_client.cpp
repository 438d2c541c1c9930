#include "roles/dp/link_client.hpp"

#include "base/text.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

constexpr int kLongestCallS = 4 * 3600;  // validation and commit read everything before they answer
constexpr std::size_t kWordsBytesMax = 500;
constexpr const char* kCalls = "/farpoint/dp/v1/";
const std::string kContents = "contents/";

net::ClientOptions patient(net::ClientOptions options, int longest_call_s) {
  options.low_speed_s = 0;
  options.total_timeout_s = longest_call_s > 0 ? longest_call_s : kLongestCallS;
  return options;
}

Code code_of(int status) {
  switch (status) {
    case 400: return Code::invalid;
    case 401:
    case 403: return Code::forbidden;
    case 404: return Code::not_found;
    case 409: return Code::conflict;
    case 413: return Code::too_large;
    case 422: return Code::corrupt;
    case 507: return Code::io;
    default: return Code::unavailable;
  }
}

}  // namespace

std::string push_url_of(const fp::DistributionPoint& dp) {
  if (!dp.push_url.empty()) return dp.push_url;
  return dp.intranet_url.empty() ? dp.internet_url : dp.intranet_url;
}

LinkClient::LinkClient(std::string url, net::ClientOptions identity, int longest_call_s)
    : base_(std::move(url)), client_(patient(std::move(identity), longest_call_s)) {
  while (base_.ends_with('/')) base_.pop_back();
  base_ += kCalls;
}

LinkClient::LinkClient(std::string name, OverLink over_link) : base_(kCalls), name_(std::move(name)), over_link_(std::move(over_link)) {}

Result<LinkClient::Reply> LinkClient::by_link(std::string method, std::string_view path, std::string body) {
  net::Request request;
  request.method = std::move(method);
  request.target = base_ + std::string(path);
  request.headers = {{"Host", name_}};
  request.body = std::move(body);
  request.peer.door = Door::intranet_https;
  FP_TRY(answer, over_link_(name_, request));
  FP_TRY(text, net::body_of(answer));
  return Reply{answer.status, std::move(text)};
}

Result<LinkClient::Reply> LinkClient::by_listener(std::string method, std::string_view path, std::string body) {
  net::ClientRequest request;
  request.send_body = method == "PUT" || method == "POST";
  request.method = std::move(method);
  request.url = base_ + std::string(path);
  request.body = std::move(body);
  FP_TRY(reply, client_->perform(request));
  return Reply{reply.status, std::move(reply.body)};
}

Result<std::string> LinkClient::call(std::string method, std::string_view path, std::string body) {
  FP_TRY(reply, over_link_ ? by_link(std::move(method), path, std::move(body)) : by_listener(std::move(method), path, std::move(body)));
  if (reply.status >= 200 && reply.status < 300) return std::move(reply.body);
  const std::string words = is_utf8(reply.body) ? std::string(trim(reply.body)).substr(0, kWordsBytesMax) : std::string{};
  return fail(code_of(reply.status), "HTTP {}{}{}", reply.status, words.empty() ? "" : ": ", words);
}

Result<wire::HeldContent> LinkClient::held(std::string_view content_id) {
  FP_TRY(text, call("GET", kContents + std::string(content_id)));
  return wire::decode_held(text);
}

Status LinkClient::put_manifest(const Manifest& manifest) {
  FP_CHECK(call("PUT", kContents + manifest.content_id + "/manifest", wire::encode_manifest(manifest)));
  return {};
}

Result<std::vector<wire::MissingFile>> LinkClient::missing(std::string_view content_id) {
  FP_TRY(text, call("POST", kContents + std::string(content_id) + "/missing"));
  return wire::decode_missing(text);
}

Status LinkClient::put_chunk(std::string_view content_id, std::string_view sha256, std::int64_t index, std::string bytes) {
  FP_CHECK(call("PUT", fmt::format("{}{}/chunks/{}/{}", kContents, content_id, sha256, index), std::move(bytes)));
  return {};
}

Status LinkClient::commit(std::string_view content_id) {
  FP_CHECK(call("POST", kContents + std::string(content_id) + "/commit"));
  return {};
}

Status LinkClient::remove(std::string_view content_id) {
  FP_CHECK(call("DELETE", kContents + std::string(content_id)));
  return {};
}

Result<std::vector<wire::FindingLine>> LinkClient::validate(std::string_view content_id) {
  FP_TRY(text, call("POST", kContents + std::string(content_id) + "/validate"));
  return wire::decode_findings(text);
}

Status LinkClient::pull(const wire::PullOrder& order) {
  FP_CHECK(call("POST", kContents + order.content_id + "/pull", wire::encode_pull_order(order)));
  return {};
}

Status LinkClient::put_trust(const wire::DpTrust& trust) {
  FP_CHECK(call("PUT", "trust", wire::encode_dp_trust(trust)));
  return {};
}

}  // namespace fp::dp
