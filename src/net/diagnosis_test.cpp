#include "net/diagnosis.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "wire/diagnosis.hpp"

namespace fp::net {
namespace {

Request request(std::string method, std::string query, Headers headers = {}, std::string body = {}) {
  Request r;
  r.method = std::move(method);
  r.query = std::move(query);
  r.target = "/SMS_MP/.sms_doctor" + (r.query.empty() ? "" : "?" + r.query);
  r.headers = std::move(headers);
  r.body = std::move(body);
  r.received_at.ms = 1000;
  return r;
}

std::string_view header_of(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (iequals(key, name)) return value;
  return {};
}

std::string text_of(const Response& response) {
  std::string out;
  for (const auto& segment : response.body) out += std::get<std::string>(segment);
  return out;
}

Response ask(const Request& r) { return answer_diagnosis(r, "management point", "mp.example.test", Instant{1500}); }

TEST(Diagnosis, SaysWhatArrived) {
  const auto response = ask(request("CCM_POST", "", {{"Content-Type", "multipart/mixed"}, {"Authorization", "secret"}}, "hello"));
  EXPECT_EQ(response.status, 200);
  const auto arrived = wire::decode_arrived(text_of(response));
  ASSERT_TRUE(arrived) << arrived.error().message;
  EXPECT_EQ(arrived->method, "CCM_POST");
  EXPECT_EQ(arrived->body_bytes, 5);
  EXPECT_EQ(arrived->body_sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(arrived->body_took_ms, 500);
  EXPECT_EQ(arrived->value("Content-Type"), "multipart/mixed");
  EXPECT_TRUE(arrived->has_header("Authorization"));
  EXPECT_EQ(text_of(response).find("secret"), std::string::npos);
}

TEST(Diagnosis, HeadHasItInAHeader) {
  const auto response = ask(request("HEAD", ""));
  EXPECT_TRUE(response.body.empty());
  const auto text = unbase64(header_of(response, wire::kArrivedHeader));
  ASSERT_TRUE(text);
  const auto arrived = wire::decode_arrived(*text);
  ASSERT_TRUE(arrived);
  EXPECT_EQ(arrived->method, "HEAD");
}

TEST(Diagnosis, TheSampleTakesRanges) {
  const auto one = ask(request("GET", "sample", {{"Range", "bytes=100-199"}}));
  EXPECT_EQ(one.status, 206);
  EXPECT_EQ(text_of(one), wire::sample_bytes(100, 100));
  EXPECT_EQ(header_of(one, "Content-Range"), "bytes 100-199/65536");
  const auto two = ask(request("GET", "sample", {{"Range", "bytes=0-9,100-109"}}));
  EXPECT_EQ(two.status, 206);
  EXPECT_TRUE(header_of(two, "Content-Type").starts_with("multipart/byteranges"));
  EXPECT_EQ(ask(request("GET", "sample", {{"Range", "bytes=0-9"}, {"If-Range", "\"other\""}})).status, 200);
  EXPECT_EQ(ask(request("GET", "sample", {{"Range", "bytes=0-9"}, {"If-Range", std::string(wire::kSampleEtag)}})).status, 206);
  EXPECT_EQ(ask(request("GET", "sample", {{"Range", "bytes=70000-"}})).status, 416);
  EXPECT_EQ(text_of(ask(request("GET", "sample"))), wire::sample_bytes(0, wire::kSampleBytes));
}

}  // namespace
}  // namespace fp::net
