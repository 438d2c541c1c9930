#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/key.hpp"
#include "crypto/openssl.hpp"
#include "crypto/policy_secret.hpp"
#include "crypto/signature.hpp"

namespace fp::crypto {
namespace {

const PrivateKey& a_key() {
  static const PrivateKey key = PrivateKey::generate_rsa().value();
  return key;
}

// The vectors are a flat JSON text written by us: a value is looked up by its name, from a position on.
class Vectors {
 public:
  Vectors() : text_(read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/vectors.json").value()) {}
  std::string text(std::string_view name, std::size_t from = 0) const {
    const std::string quoted = fmt::format("\"{}\": \"", name);
    const std::size_t start = text_.find(quoted, from);
    if (start == std::string::npos) return {};
    std::string out;
    for (std::size_t at = start + quoted.size(); at < text_.size() && text_[at] != '"'; ++at) {
      if (text_[at] != '\\') {
        out.push_back(text_[at]);
        continue;
      }
      ++at;
      if (text_[at] == 'n')
        out.push_back('\n');
      else if (text_[at] == 'u') {
        out += latin1(text_.substr(at + 1, 4));
        at += 4;
      } else
        out.push_back(text_[at]);
    }
    return out;
  }
  std::size_t find(std::string_view part, std::size_t from) const { return text_.find(part, from); }

 private:
  static std::string latin1(const std::string& digits) {  // only two-byte UTF-8 stands in the file
    const int code = std::stoi(digits, nullptr, 16);
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  }
  std::string text_;
};

class FixedSeed final : public Random {
 public:
  std::string bytes(std::size_t count) override {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(i));
    return out;
  }
};

TEST(Hash, KnownAnswers) {
  EXPECT_EQ(hex_lower(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_lower(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_lower(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_lower(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  Sha256 pieces;
  pieces.update("a").update("").update("bc");
  EXPECT_EQ(pieces.finish(), sha256("abc"));
  EXPECT_EQ(pieces.finish(), sha256(""));
}

TEST(Hash, ComparesInConstantLength) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
}

TEST(Key, ComesBackFromPemWithAndWithoutPassphrase) {
  const auto plain = PrivateKey::from_pem(a_key().to_pem().value());
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->public_key(), a_key().public_key());
  const std::string sealed = a_key().to_pem("s3cret").value();
  EXPECT_NE(sealed.find("ENCRYPTED"), std::string::npos);
  EXPECT_EQ(PrivateKey::from_pem(sealed, "s3cret").value().public_key(), a_key().public_key());
  EXPECT_EQ(PrivateKey::from_pem(sealed, "wrong").error().code, Code::unauthenticated);
  EXPECT_EQ(PrivateKey::from_pem(sealed).error().code, Code::unauthenticated);
  EXPECT_EQ(PrivateKey::from_pem("rubbish").error().code, Code::invalid);
  EXPECT_EQ(PrivateKey::generate_rsa(1024).error().code, Code::invalid);
}

TEST(Key, APublicKeyIsKnownByTheHashOfItsSubjectPublicKeyInfo) {
  const PublicKey& key = a_key().public_key();
  EXPECT_TRUE(key.is_rsa());
  EXPECT_EQ(key.rsa_bits(), 2048);
  EXPECT_EQ(key.fingerprint(), hex_lower(sha256(key.spki_der())));
  EXPECT_EQ(PublicKey::from_spki_der(key.spki_der()).value(), key);
  EXPECT_FALSE(PublicKey::from_spki_der(key.spki_der() + "x").has_value());
  EXPECT_FALSE(PublicKey::from_spki_der("").has_value());
}

TEST(Key, APublicKeyBlobIsTheOneOfTheVectors) {
  const Vectors vectors;
  const PublicKey key = PublicKey::from_pem(vectors.text("public_key_pem")).value();
  const std::string blob = vectors.text("publickeyblob_hex");
  EXPECT_EQ(to_public_key_blob(key), blob);
  EXPECT_EQ(from_public_key_blob(lower(blob)).value(), key);
}

TEST(Key, AMalformedBlobIsRefused) {
  const std::string good = to_public_key_blob(a_key().public_key()).value();
  for (const std::string& bad : {std::string(), good.substr(0, 30), good.substr(2), good + "00", "07" + good.substr(2),
                                 good.substr(0, good.size() - 2) + "00", good.substr(0, 32) + "02000000" + good.substr(40),
                                 good.substr(0, 24) + "01080000" + good.substr(32), std::string(5000, 'A')})
    EXPECT_EQ(from_public_key_blob(bad).error().code, Code::invalid) << bad.substr(0, 60);
}

TEST(Signature, TheWireVectorsOfBothPaddingsAndHashesHold) {
  const Vectors vectors;
  const PublicKey key = PublicKey::from_pem(vectors.text("public_key_pem")).value();
  const std::string bytes = unhex(vectors.text("signed_bytes_hex")).value();
  const struct {
    const char* name;
    Hash hash;
    Padding padding;
  } cases[] = {
      {"sig_sha256_digestinfo_reversed_hex", Hash::sha256, Padding::digest_info},
      {"sig_sha256_nohashoid_reversed_hex", Hash::sha256, Padding::no_hash_oid},
      {"sig_sha1_digestinfo_reversed_hex", Hash::sha1, Padding::digest_info},
      {"sig_sha1_nohashoid_reversed_hex", Hash::sha1, Padding::no_hash_oid},
  };
  for (const auto& c : cases) {
    const std::string text = vectors.text(c.name);
    const auto found = cm_verify_detail(key, bytes, lower(text));
    ASSERT_TRUE(found.has_value()) << c.name << found.error().message;
    EXPECT_EQ(found->hash, c.hash) << c.name;
    EXPECT_EQ(found->padding, c.padding) << c.name;
    EXPECT_TRUE(cm_verify(key, bytes, text));
    EXPECT_FALSE(cm_verify(key, bytes + "x", text));
    EXPECT_EQ(cm_verify_detail(key, bytes, text, true).has_value(), c.hash == Hash::sha256);
  }
}

TEST(Signature, WhatWeSignWeVerifyInEveryForm) {
  for (const Hash hash : {Hash::sha256, Hash::sha1})
    for (const Padding padding : {Padding::digest_info, Padding::no_hash_oid}) {
      const std::string text = cm_sign(a_key(), "payload", hash, padding).value();
      const auto found = cm_verify_detail(a_key().public_key(), "payload", text);
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->hash, hash);
      EXPECT_EQ(found->padding, padding);
    }
  const std::string raw = sign_sha256(a_key(), "payload").value();
  EXPECT_TRUE(verify_sha256(a_key().public_key(), "payload", raw));
  EXPECT_FALSE(verify_sha256(a_key().public_key(), "payloae", raw));
  EXPECT_FALSE(verify_sha256(a_key().public_key(), "payload", raw.substr(1)));
  EXPECT_EQ(cm_sign(a_key(), "payload").value(), hex(std::string(raw.rbegin(), raw.rend())));
}

TEST(Signature, DamageLengthAndForeignKeysAreRefused) {
  const std::string text = cm_sign(a_key(), "payload").value();
  std::string damaged = text;
  damaged[10] = damaged[10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(cm_verify_detail(a_key().public_key(), "payload", damaged).error().code, Code::unauthenticated);
  EXPECT_EQ(cm_verify_detail(a_key().public_key(), "payload", text.substr(2)).error().code, Code::invalid);
  EXPECT_EQ(cm_verify_detail(a_key().public_key(), "payload", "").error().code, Code::invalid);
  EXPECT_EQ(cm_verify_detail(a_key().public_key(), "payload", std::string(512, 'Z')).error().code, Code::invalid);
  const PrivateKey other = PrivateKey::generate_rsa().value();
  EXPECT_FALSE(cm_verify(other.public_key(), "payload", text));
}

// Bleichenbacher 2006: bytes hidden behind a DigestInfo. Signed with the real key, so only the comparison can refuse it.
TEST(Signature, BytesBehindTheHashAreRefused) {
  const std::string hidden = std::string("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19) +
                             sha256("payload") + "garbage";
  const OwnedKeyContext context(EVP_PKEY_CTX_new(a_key().native(), nullptr));
  std::string out(256, '\0');
  std::size_t size = out.size();
  ASSERT_EQ(EVP_PKEY_sign_init(context.get()), 1);
  ASSERT_EQ(EVP_PKEY_sign(context.get(), octets(out), &size, octets(std::string_view(hidden)), hidden.size()), 1);
  EXPECT_FALSE(verify_sha256(a_key().public_key(), "payload", out));
  EXPECT_FALSE(cm_verify(a_key().public_key(), "payload", hex(std::string(out.rbegin(), out.rend()))));
}

TEST(PolicySecret, TheVectorsAreWrittenAndReadByteForByte) {
  const Vectors vectors;
  FixedSeed seed;
  int seen = 0;
  for (std::size_t at = vectors.find("\"plaintext\"", 0); at != std::string::npos; at = vectors.find("\"plaintext\"", at + 1)) {
    const std::string plain = vectors.text("plaintext", at), blob = vectors.text("blob_hex", at);
    const auto algorithm = vectors.text("algorithm", at) == "3des" ? SecretAlgorithm::triple_des : SecretAlgorithm::aes256;
    EXPECT_EQ(obfuscate(plain, algorithm, seed), blob);
    EXPECT_EQ(deobfuscate(blob), plain);
    EXPECT_EQ(deobfuscate(lower(blob)), plain);
    ++seen;
  }
  EXPECT_EQ(seen, 6);
}

TEST(PolicySecret, AMalformedBlobIsRefused) {
  FixedSeed seed;
  const std::string good = obfuscate("secret", SecretAlgorithm::aes256, seed).value();
  for (const std::string& bad :
       {std::string(), std::string("zz"), good.substr(0, 128), good.substr(0, good.size() - 2), good + "00",
        "FF" + good.substr(2), "89" + good.substr(2), good.substr(0, 112) + "0000" + good.substr(116),
        good.substr(0, 96) + "FF" + good.substr(98), good.substr(0, good.size() - 2) + "00"})
    EXPECT_FALSE(deobfuscate(bad).has_value()) << bad;
  EXPECT_EQ(deobfuscate(std::string(400'000, '0')).error().code, Code::too_large);
  EXPECT_EQ(obfuscate(std::string(70'000, 'a'), SecretAlgorithm::aes256, seed).error().code, Code::too_large);
}

}  // namespace
}  // namespace fp::crypto
