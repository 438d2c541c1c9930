#include "wire/upload.hpp"

#include <gtest/gtest.h>

namespace fp::wire {
namespace {

constexpr const char* kClient = "GUID:11111111-2222-3333-4444-555555555555";
constexpr const char* kUpload = "AAAAAAAA-2222-3333-4444-555555555555";

TEST(Upload, TheRequestIsGoldenAndComesBack) {
  const std::string text = encode_upload_request({.client_id = kClient, .internet = true, .bytes = 42});
  EXPECT_EQ(text,
            "<UploadRequest SchemaVersion=\"1.00\" NetworkType=\"Internet\">"
            "<ClientID>GUID:11111111-2222-3333-4444-555555555555</ClientID><Size>42</Size></UploadRequest>");
  const auto request = decode_upload_request(text);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->client_id, kClient);
  EXPECT_TRUE(request->internet);
  EXPECT_EQ(request->bytes, 42);
}

TEST(Upload, ARequestWithoutClientOrWithAnAbsurdSizeIsRefused) {
  EXPECT_FALSE(decode_upload_request("<UploadRequest/>"));
  EXPECT_FALSE(decode_upload_request("<UploadRequest><ClientID>GUID:1' or 1=1</ClientID></UploadRequest>"));
  EXPECT_EQ(
      decode_upload_request(encode_upload_request({.client_id = kClient, .bytes = std::int64_t{1} << 40}))
          .error()
          .code,
      Code::too_large);
}

TEST(Upload, TheReplyNamesThePathWithTheHostLeftOpen) {
  const std::string text = encode_upload_reply({.upload_id = kUpload, .host = "mp1"});
  EXPECT_NE(text.find("http://&lt;mp&gt;/CCM_Incoming/{AAAAAAAA-2222-3333-4444-555555555555}"),
            std::string::npos)
      << text;
  EXPECT_EQ(decode_upload_reply(text)->upload_id, kUpload);
}

TEST(Upload, ABodyByReferenceIsToldFromAnyOtherDocument) {
  const UploadedBody body{.upload_id = kUpload, .sha256 = std::string(64, 'a')};
  const auto read = decode_uploaded_body(encode_uploaded_body(body));
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->sha256, body.sha256);
  const auto other = decode_uploaded_body("<Report/>");
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other);
  EXPECT_FALSE(decode_uploaded_body("<UploadedBody UploadID=\"x\" SHA256=\"00\"/>"));
}

}  // namespace
}  // namespace fp::wire
