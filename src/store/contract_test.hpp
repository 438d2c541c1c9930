// What every storage behind store.hpp must do, as one suite: include this (and the other contract_*_test.hpp) in a test of the
// storage's room and instantiate StoreContract with a Backend. Each test gets a fresh folder and a clock of its own.
#pragma once
#include <gtest/gtest.h>

#include <memory>

#include "base/file.hpp"
#include "base/test_folder.hpp"
#include "store/store.hpp"

namespace fp::store {

struct Backend {
  const char* name;
  Result<std::unique_ptr<Store>> (*open)(const Path& dir, const Clock& clock);
};
inline void PrintTo(const Backend& backend, std::ostream* out) { *out << backend.name; }

inline std::string client(int n) { return fmt::format("GUID:00000000-0000-4000-8000-{:012X}", n); }

class StoreContract : public ::testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    open();
  }
  void TearDown() override {
    store_.reset();
  }
  void open() {
    store_.reset();
    auto opened = GetParam().open(dir_, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  // Runs one write that must succeed, and gives its change time.
  template <class F>
  Instant change(F&& fn) {
    Instant at;
    const auto done = store_->write([&](Repositories& r) -> Status {
      at = r.change;
      return fn(r);
    });
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return at;
  }
  template <class F>
  Code refused(F&& fn) {
    const auto done = store_->write([&](Repositories& r) -> Status { return fn(r); });
    EXPECT_FALSE(done);
    return done ? Code::internal : done.error().code;
  }
  // A read that must succeed.
  template <class F>
  auto get(F&& fn) {
    auto result = store_->read([&](Repositories& r) { return fn(r); });
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? std::move(*result) : typename decltype(result)::value_type{};
  }
  template <class F>
  Code missing(F&& fn) {
    auto result = store_->read([&](Repositories& r) { return fn(r); });
    EXPECT_FALSE(result);
    return result ? Code::internal : result.error().code;
  }

  void add_device(int n, const std::string& name = "") {
    change([&](Repositories& r) {
      return r.devices.put({.client_id = client(n), .name = name.empty() ? fmt::format("PC{}", n) : name,
                            .approval = Approval::approved, .key_fingerprint = fmt::format("key{}", n)});
    });
  }
  void add_collection(const std::string& id) {
    change(
        [&](Repositories& r) { return r.collections.put({.id = id, .name = "Collection " + id, .limiting_id = kAllSystems}); });
  }
  Instant join(const std::string& id, int n) {
    return change([&](Repositories& r) { return r.collections.add_member(id, {.client_id = client(n), .reason = "direct"}); });
  }
  Instant leave(const std::string& id, int n) {
    return change([&](Repositories& r) { return r.collections.remove_member(id, client(n)); });
  }
  Instant put_policy(const std::string& id, const std::string& version, const std::vector<std::string>& collections) {
    return change([&](Repositories& r) {
      return r.policies.put({.id = id,
                             .version = version,
                             .category = "ApplicationDeployment",
                             .flags = 8,
                             .body = "<p>" + version + "</p>",
                             .hash = "AB",
                             .signature = std::string("\0\x01\xFF", 3),
                             .source_id = "source-" + id},
                            collections);
    });
  }
  // "P1 2.00 FP100001", a lost one "-P1"; in the order of the answer.
  static std::string lines(const std::vector<PolicyAssignment>& assignments) {
    std::string out;
    for (const auto& a : assignments)
      out += a.tombstone ? fmt::format("-{};", a.policy.id)
                         : fmt::format("{} {} {};", a.policy.id, a.policy.version, a.collection_id);
    return out;
  }
  std::string held(int n) { return lines(get([&](Repositories& r) { return r.policies.for_device(client(n)); })); }
  std::string since(int n, Instant at) {
    return lines(get([&](Repositories& r) { return r.policies.for_device_since(client(n), at); }));
  }
  Instant latest(int n) { return get([&](Repositories& r) { return r.policies.latest_change(client(n)); }); }
  std::string members(const std::string& id) {
    std::string out;
    for (const auto& m : get([&](Repositories& r) { return r.collections.members(id); }))
      out += fmt::format("{}:{} ", std::stoi(m.client_id.substr(29), nullptr, 16), m.reason);
    return out;
  }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace fp::store
