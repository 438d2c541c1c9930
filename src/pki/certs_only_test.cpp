#include "pki/certs_only.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "pki/pki_test_support.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values

// Golden bytes: what `openssl crl2pkcs7 -nocrl -certfile` makes of the same certificate.
TEST(CertsOnly, IsByteForByteWhatOpensslMakes) {
  const Path corpus = Path(FARPOINT_SOURCE_DIR) / "src/pki/corpus";
  const auto bytes = read_file(corpus / "certificate/client.test");
  const auto golden = read_file(corpus / "certs_only/client.test.p7");
  ASSERT_TRUE(bytes && golden);
  const auto certificate = Certificate::from_der(*bytes);
  ASSERT_TRUE(certificate);
  const auto made = certs_only({&*certificate, 1});
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, *golden);
  const auto back = parse_certs_only(*golden);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 1U);
  EXPECT_EQ(back->front(), *certificate);
}

TEST(CertsOnly, SeveralComeBackAndAnythingElseIsRefused) {
  const Certificate both[] = {an_issuer().certificate, a_root().certificate};
  const auto made = certs_only(both);
  ASSERT_TRUE(made);
  const auto back = parse_certs_only(*made);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->size(), 2U);
  EXPECT_FALSE(parse_certs_only(""));
  EXPECT_FALSE(parse_certs_only(*made + "x"));
  EXPECT_FALSE(parse_certs_only(made->substr(0, made->size() - 1)));
  EXPECT_FALSE(parse_certs_only(a_root().certificate.der()));
  EXPECT_FALSE(parse_certs_only(*certs_only({})));
  EXPECT_EQ(parse_certs_only(std::string(kCertsOnlyBytesMax + 1, 'x')).error().code, Code::too_large);
}

TEST(Issuing, WhoSignedACertificateIsSeenByItsKey) {
  const Certificate client = a_certificate(Profile::client, "pc1.test");
  EXPECT_TRUE(is_signed_by(client, an_issuer().certificate));
  EXPECT_FALSE(is_signed_by(client, a_root().certificate));
  EXPECT_TRUE(is_signed_by(an_issuer().certificate, a_root().certificate));
  EXPECT_FALSE(is_mobile(client));
  EXPECT_TRUE(is_mobile(a_certificate(Profile::mobile, "phone1.test")));
}

}  // namespace
}  // namespace fp::pki
