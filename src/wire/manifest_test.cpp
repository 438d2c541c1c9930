#include "wire/manifest.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/dp_link.hpp"

namespace fp::wire {
namespace {

std::string hash_of(std::string_view bytes) { return hex_lower(crypto::sha256(bytes)); }

Manifest sample() {
  Manifest m;
  m.content_id = "LAB00002.1";
  const Instant at = *parse_time("2026-11-22T14:52:20Z");
  m.files = {{"empty", 0, hash_of(""), {}, at}, {"sub/a.txt", 3, hash_of("abc"), {hash_of("abc")}, at}};
  m.root_hash = manifest_root_hash(m);
  return m;
}

TEST(Manifest, HasTheGoldenCanonicalBytesAndRootHash) {
  EXPECT_EQ(canonical_manifest(sample()),
            "farpoint-manifest-v1\nLAB00002.1\n1048576\n2\n"
            "5 empty\n0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0\n"
            "9 sub/a.txt\n3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 1\n"
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
  EXPECT_EQ(sample().root_hash, hash_of(canonical_manifest(sample())));
}

TEST(Manifest, HasTheGoldenJsonAndIsReadBack) {
  const Manifest m = sample();
  const std::string json = encode_manifest(m);
  EXPECT_EQ(json, "{\"format\":\"farpoint-manifest-v1\",\"content_id\":\"LAB00002.1\",\"chunk_bytes\":1048576,\"root_hash\":\"" +
                      m.root_hash + "\",\"files\":[{\"path\":\"empty\",\"size\":0,\"sha256\":\"" + hash_of("") +
                      "\",\"modified\":\"2026-11-22T14:52:20Z\",\"chunks\":[]},{\"path\":\"sub/a.txt\",\"size\":3,\"sha256\":\"" +
                      hash_of("abc") + "\",\"modified\":\"2026-11-22T14:52:20Z\",\"chunks\":[\"" + hash_of("abc") + "\"]}]}");
  const auto read = decode_manifest(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode_manifest(*read), json);
}

TEST(Manifest, TimesAreNotPartOfTheRootHash) {
  Manifest m = sample();
  m.files[0].modified = m.files[0].modified.plus_s(5);
  EXPECT_EQ(manifest_root_hash(m), sample().root_hash);
}

TEST(Manifest, WhatContradictsItselfIsRefused) {
  const auto refused = [](auto change) {
    Manifest m = sample();
    change(m);
    m.root_hash = manifest_root_hash(m);
    return decode_manifest(encode_manifest(m)).error().code;
  };
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].path = "../a"; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].path = "/a"; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].path = "sub/a\n"; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].path = "empty/x"; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { std::swap(m.files[0], m.files[1]); }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].path = m.files[0].path; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].chunk_sha256.clear(); }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].sha256 = upper(m.files[1].sha256); }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].sha256 = m.files[0].sha256; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.files[1].size = -1; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.chunk_bytes = 0; }), Code::invalid);
  EXPECT_EQ(refused([](Manifest& m) { m.content_id = "lab00002.1"; }), Code::invalid);
}

TEST(Manifest, AnotherRootHashIsCorrupt) {
  Manifest m = sample();
  m.files[1].size = 4;
  EXPECT_EQ(decode_manifest(encode_manifest(m)).error().code, Code::corrupt);
  EXPECT_EQ(decode_manifest("{}").error().code, Code::invalid);
  EXPECT_EQ(decode_manifest("[1,").error().code, Code::invalid);
}

TEST(DpLink, MessagesHaveTheGoldenJsonAndAreReadBack) {
  const std::string h = hash_of("abc");
  const std::vector<MissingFile> missing{{h, {{0, 3}, {7, 1}}}};
  EXPECT_EQ(encode_missing(missing), "{\"files\":[{\"sha256\":\"" + h + "\",\"chunks\":[[0,3],[7,1]]}]}");
  EXPECT_EQ(decode_missing(encode_missing(missing)).value(), missing);
  EXPECT_FALSE(decode_missing("{\"files\":[{\"sha256\":\"" + h + "\",\"chunks\":[[-1,3]]}]}"));
  EXPECT_FALSE(decode_missing("{\"files\":[{\"sha256\":\"x\",\"chunks\":[]}]}"));

  const std::string order = encode_pull_order({"LAB00002.1", h, {"https://dp1:443"}});
  EXPECT_EQ(order, "{\"content_id\":\"LAB00002.1\",\"root_hash\":\"" + h + "\",\"sources\":[\"https://dp1:443\"]}");
  EXPECT_EQ(encode_pull_order(decode_pull_order(order).value()), order);
  EXPECT_FALSE(decode_pull_order("{\"content_id\":\"LAB00002.1\",\"root_hash\":\"" + h + "\",\"sources\":[\"file:///etc\"]}"));

  const std::string status = encode_dp_status({{{"LAB00002.1", h, "ok", "", 3, 3}}, 77});
  EXPECT_EQ(encode_dp_status(decode_dp_status(status).value()), status);
  EXPECT_EQ(decode_held(encode_held({"LAB00002.1", "", "absent", "", 0, 0}))->state, "absent");
  const std::string findings = encode_findings({{"LAB00002.1", "sub/a.txt", h, "wrong hash"}});
  EXPECT_EQ(encode_findings(decode_findings(findings).value()), findings);
}

}  // namespace
}  // namespace fp::wire
