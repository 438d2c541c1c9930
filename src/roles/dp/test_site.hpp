// What the tests of this room share: a folder with a source tree, a library, pull orders, requests and peers.
// Any number per process; each has a folder of its own that goes with it.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/test_folder.hpp"
#include "base/text.hpp"
#include "content/library.hpp"
#include "crypto/hash.hpp"
#include "net/http.hpp"
#include "roles/dp/pull_orders.hpp"

namespace fp::dp {

inline const std::string kSite(64, 'a');

inline std::string hash_of(std::string_view bytes) { return hex_lower(crypto::sha256(bytes)); }

inline Peer client_peer(Door door) {
  Peer peer;
  peer.door = door;
  peer.address = "127.0.0.1";
  peer.certificate_der = "leaf";
  peer.fingerprint = std::string(64, 'c');
  peer.check.problem = CertificateProblem::none;
  return peer;
}

inline net::Request request_of(std::string method, const std::string& target, net::Headers headers = {}, std::string body = {}) {
  net::Request request;
  request.method = std::move(method);
  request.target = target;
  const auto question = target.find('?');
  request.path = percent_decode(target.substr(0, question)).value();
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.headers = std::move(headers);
  request.body = std::move(body);
  return request;
}

inline std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (iequals(key, name)) return value;
  return {};
}

inline std::string text_of(const net::Response& response) {
  std::string out;
  for (const auto& segment : response.body) {
    if (const auto* text = std::get_if<std::string>(&segment)) {
      out += *text;
      continue;
    }
    const auto& slice = std::get<net::FileSlice>(segment);
    std::string bytes(static_cast<std::size_t>(slice.length), '\0');
    EXPECT_EQ(::pread(slice.file->get(), bytes.data(), bytes.size(), slice.offset), slice.length);
    out += bytes;
  }
  return out;
}

class TestSite : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(source_ / "sub");
    ASSERT_TRUE(write_file(source_ / "readme.txt", small_));
    ASSERT_TRUE(write_file(source_ / "empty.bin", ""));
    ASSERT_TRUE(write_file(source_ / "sub/large.bin", large_));
    library_ = open_library("library");
    pulls_ = PullOrders::open(root_ / "pulls").value();
  }
  void TearDown() override {
    library_.reset();
  }
  [[nodiscard]] std::unique_ptr<content::Library> open_library(const std::string& name) const {
    content::LibraryOptions options;
    options.folder = root_ / name;
    options.reserve_bytes = 0;
    return content::Library::open(options).value();
  }

  std::string small_ = "0123456789abcdef", large_ = std::string(2'500'000, 'L') + "end";
  TestFolder folder_;
  const Path root_ = folder_.path(), source_ = root_ / "source";
  ManualClock clock_;
  std::unique_ptr<content::Library> library_;
  std::unique_ptr<PullOrders> pulls_;
};

}  // namespace fp::dp
