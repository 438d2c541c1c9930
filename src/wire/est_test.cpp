#include "wire/est.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kDer{"\x30\x03\x02\x01\x05", 5};

TEST(EstRequest, IsBase64OfOneDerValueWithOrWithoutLineBreaks) {
  for (const auto* body : {"MAMCAQU=", "MAMC\r\nAQU=\r\n", " MAMC\nAQU=\n"}) {
    const auto der = decode_est_request("application/pkcs10", body);
    ASSERT_TRUE(der) << body << der.error().message;
    EXPECT_EQ(*der, kDer);
  }
  EXPECT_TRUE(decode_est_request("Application/PKCS10; charset=x", "MAMCAQU="));
}

TEST(EstRequest, AnythingElseIsRefusedByName) {
  const auto code = [](std::string_view type, const std::string& body) { return decode_est_request(type, body).error().code; };
  EXPECT_EQ(code("application/json", "MAMCAQU="), Code::invalid);
  EXPECT_EQ(code("", "MAMCAQU="), Code::invalid);
  EXPECT_EQ(code("application/pkcs10", ""), Code::invalid);
  EXPECT_EQ(code("application/pkcs10", "no base64!"), Code::invalid);
  EXPECT_EQ(code("application/pkcs10", std::string(kDer)), Code::invalid);             // DER itself
  EXPECT_EQ(code("application/pkcs10", base64(std::string(kDer) + "x")), Code::invalid);  // something behind it
  EXPECT_EQ(code("application/pkcs10", base64(kDer.substr(0, 4))), Code::invalid);
  EXPECT_EQ(code("application/pkcs10", std::string(kEstBodyBytesMax + 1, 'M')), Code::too_large);
  std::string long_one("\x30\x82\x60\x00", 4);
  long_one.resize(4 + 0x6000, 'x');
  EXPECT_EQ(code("application/pkcs10", base64(long_one)), Code::too_large);
}

TEST(EstAnswer, IsOneLine) {
  const std::string body = encode_est_body(std::string(5000, 'x'));
  EXPECT_EQ(body.find_first_of("\r\n"), std::string::npos);
  const auto certificates = decode_est_certificates("application/pkcs7-mime; smime-type=certs-only", "MAMCAQU=", 100);
  ASSERT_TRUE(certificates);
  EXPECT_EQ(*certificates, kDer);
  EXPECT_FALSE(decode_est_certificates("text/html", "MAMCAQU=", 100));
  EXPECT_EQ(decode_est_certificates("application/pkcs7-mime", "MAMCAQU=", 4).error().code, Code::too_large);
}

// Golden bytes: RFC 8951 §3.5's form, an attribute rsaEncryption with the length of the key.
TEST(EstAttributes, AskForAnRsaKeyOf2048BitsSignedWithSha256) {
  EXPECT_EQ(base64(est_attributes()), "MB4GCSqGSIb3DQEBCzARBgkqhkiG9w0BAQExBAICCAA=");
}

TEST(BasicCredentials, ComeApartAtTheFirstColon) {
  const auto parsed = parse_basic("Basic YWxpY2U6c2VjcmV0");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->user, "alice");
  EXPECT_EQ(parsed->secret, "secret");
  EXPECT_EQ(parse_basic(encode_basic({"CORP\\alice", "a:b c"}))->secret, "a:b c");
  EXPECT_EQ(parse_basic("basic OnRva2Vu")->secret, "token");  // no user
  EXPECT_EQ(parse_basic("").error().code, Code::not_found);
  EXPECT_EQ(parse_basic("Bearer abc").error().code, Code::not_found);
  EXPECT_EQ(parse_basic("Basic !!!").error().code, Code::invalid);
  EXPECT_EQ(parse_basic("Basic " + base64("no colon")).error().code, Code::invalid);
  EXPECT_EQ(parse_basic("Basic " + base64("a:b\nc")).error().code, Code::invalid);
  EXPECT_EQ(parse_basic("Basic " + base64("a:\xff\xfe")).error().code, Code::invalid);
  EXPECT_EQ(parse_basic("Basic " + std::string(3000, 'A')).error().code, Code::too_large);
}

}  // namespace
}  // namespace fp::wire
