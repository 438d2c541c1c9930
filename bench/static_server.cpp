// The smallest distribution point there can be: src/net and a table of open files, nothing else. It shows what the server
// itself costs, beside nginx, before any role adds to it.
// usage: static_server ROOT CERTIFICATE KEY PORT THREADS quick|pool
#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include "base/log.hpp"
#include "base/text.hpp"
#include "net/server.hpp"

namespace {

struct OpenFile {
  std::shared_ptr<fp::Fd> file;
  std::int64_t size = 0;
};

class Files {
 public:
  explicit Files(std::string root) : root_(std::move(root)) {}

  fp::net::Response serve(fp::net::Request& request) {
    const auto file = find(request.path);
    if (!file.file) return fp::net::Response::empty(404);
    fp::net::Response response;
    response.set("Content-Type", "application/octet-stream").set("Accept-Ranges", "bytes").set("ETag", "\"1\"");
    response.body.emplace_back(fp::net::FileSlice{file.file, 0, file.size});
    return response;
  }

 private:
  OpenFile find(const std::string& path) {
    std::lock_guard lock(mutex_);
    auto found = files_.find(path);
    if (found != files_.end()) return found->second;
    OpenFile file;
    file.file = std::make_shared<fp::Fd>(::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC));
    struct stat about {};
    if (!file.file->ok() || ::fstat(file.file->get(), &about) != 0) return {};
    file.size = about.st_size;
    return files_.emplace(path, file).first->second;
  }

  std::string root_;
  std::mutex mutex_;
  std::map<std::string, OpenFile> files_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 7) return std::fprintf(stderr, "usage: static_server ROOT CERTIFICATE KEY PORT THREADS quick|pool\n"), 2;
  Files files(words[1]);
  fp::net::ServerOptions options;
  fp::net::ListenerOptions listener;
  listener.address = "127.0.0.1";
  listener.port = static_cast<std::uint16_t>(std::atoi(words[4]));
  listener.tls.emplace();
  listener.tls->certificate_file = words[2];
  listener.tls->key_file = words[3];
  options.listeners = {listener};
  options.io_threads = static_cast<unsigned>(std::atoi(words[5]));
  options.handler = [&](fp::net::Request& request) { return files.serve(request); };
  if (std::string_view(words[6]) == "quick")
    options.quick = [&](fp::net::Request& request) -> std::optional<fp::net::Response> { return files.serve(request); };
  options.verifier = [](std::string_view, const std::vector<std::string>&) { return fp::net::CertificateVerdict{{fp::CertificateProblem::none, ""}, false}; };
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  options.stop_grace_s = 0;
  auto server = fp::net::Server::start(std::move(options));
  if (!server) return std::fprintf(stderr, "%s\n", server.error().message.c_str()), 1;
  int signal = 0;
  sigwait(&ends, &signal);
  (*server)->stop();
  return 0;
}
