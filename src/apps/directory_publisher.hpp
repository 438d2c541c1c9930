// Keeps a running site published in the directory of a domain: at once when something changed or an
// administrator asks, and once a day to mend what others changed there; after a failure again every ten
// minutes. On a thread of its own, because it waits on the network. start() and stop() from one thread,
// state() and wake() from any. Composition only: what is published is decided in site, how in directory.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>

#include "apps/background.hpp"
#include "apps/config.hpp"
#include "roles/admin/api.hpp"
#include "store/store.hpp"
#include "wire/directory/published.hpp"

namespace fp::apps {

inline constexpr std::int64_t kPublishEveryMs = 24LL * 3600 * 1000, kPublishAgainMs = 600'000;

class DirectoryPublisher {
 public:
  // Makes what is in the directory of the site exactly these; directory::publish_in, or a stand-in of a test.
  using Publish =
      std::function<Result<directory::Published>(const std::vector<wire::DirectoryObject>& objects)>;

  DirectoryPublisher(DirectoryPublishing config, wire::PublishedSite site, store::Store& store,
                     const Clock& clock, Publish publish);
  ~DirectoryPublisher() { stop(); }
  void start();
  void stop() { thread_.stop(); }  // an attempt under way is waited for: some seconds where nobody answers
  void wake();                     // publish now, whether or not something changed

  [[nodiscard]] admin::DirectoryState state() const;
  void run_once();  // what the thread does every ten seconds

 private:
  [[nodiscard]] Result<std::vector<wire::DirectoryObject>> wanted();
  [[nodiscard]] bool due(const std::string& digest, bool asked) const;
  void attempt(const std::vector<wire::DirectoryObject>& objects, const std::string& digest);
  void remember();
  void recall();

  const DirectoryPublishing config_;
  const wire::PublishedSite site_;
  store::Store& store_;
  const Clock& clock_;
  const Publish publish_;
  mutable std::mutex mutex_;  // of the two below
  admin::DirectoryState state_;
  std::string tried_, published_;  // digests of what was tried last, and of what is there
  std::atomic<bool> asked_{false};
  Background thread_;
};

}  // namespace fp::apps
