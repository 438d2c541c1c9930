// The load for both servers alike: keep-alive HTTPS connections with a client certificate, one thread, epoll. Each connection
// sends its next request when the answer to the last one is complete. Prints one line of JSON.
// PATH @FILE: the bytes of that file are the request.
// usage: load PORT PATH CONNECTIONS SECONDS REQUESTS CERTIFICATE KEY      (ends after SECONDS or REQUESTS, 0: no such limit)
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

using Time = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  SSL* tls = nullptr;
  std::string head;        // of the answer, until complete
  long long body_left = -1;  // -1: in the head
  Time::time_point asked;
};

struct Totals {
  long long requests = 0, bytes = 0, errors = 0;
  std::vector<float> latency_ms;
};

class Load {
 public:
  Load(SSL_CTX* context, int port, const std::string& path, long long requests_max)
      : context_(context), port_(port), requests_max_(requests_max), epoll_(epoll_create1(0)), room_(1 << 20) {
    request_ = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: farpoint-bench\r\n\r\n";
    if (path.starts_with('@')) {
      std::ifstream file(path.substr(1), std::ios::binary);
      request_.assign(std::istreambuf_iterator<char>(file), {});
    }
  }

  bool open(Connection& c) {
    c.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port_));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(c.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return false;
    const int on = 1;
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c.tls = SSL_new(context_);
    SSL_set_fd(c.tls, c.fd);
    if (SSL_connect(c.tls) != 1) return false;
    fcntl(c.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &c;
    return epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event) == 0;
  }

  void ask(Connection& c) {
    c.head.clear();
    c.body_left = -1;
    c.asked = Time::now();
    if (SSL_write(c.tls, request_.data(), static_cast<int>(request_.size())) <= 0) fail(c);
  }

  void run(Time::time_point until) {
    epoll_event events[256];
    while (open_ > 0 && Time::now() < until && (requests_max_ == 0 || totals.requests < requests_max_)) {
      const int count = epoll_wait(epoll_, events, 256, 100);
      for (int i = 0; i < count; ++i) take(*static_cast<Connection*>(events[i].data.ptr));
    }
  }

  Totals totals;
  int open_ = 0;
  std::string cipher;

 private:
  void take(Connection& c) {
    while (true) {
      const int got = SSL_read(c.tls, room_.data(), static_cast<int>(room_.size()));
      if (got <= 0) {
        if (SSL_get_error(c.tls, got) != SSL_ERROR_WANT_READ) fail(c);
        return;
      }
      totals.bytes += got;
      const char* data = room_.data();
      long long size = got;
      if (c.body_left < 0) {
        c.head.append(data, static_cast<std::size_t>(size));
        const auto end = c.head.find("\r\n\r\n");
        if (end == std::string::npos) continue;
        const auto length = c.head.find("Content-Length: ");
        if (c.head.compare(9, 3, "200") != 0 || length == std::string::npos) return fail(c);
        c.body_left = std::atoll(c.head.c_str() + length + 16);
        size = static_cast<long long>(c.head.size() - end - 4);
      }
      c.body_left -= size;
      if (c.body_left > 0) continue;
      ++totals.requests;
      totals.latency_ms.push_back(std::chrono::duration<float, std::milli>(Time::now() - c.asked).count());
      if (requests_max_ == 0 || totals.requests < requests_max_) ask(c);
      return;
    }
  }

  void fail(Connection& c) {
    ++totals.errors;
    --open_;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, c.fd, nullptr);
  }

  SSL_CTX* context_;
  int port_;
  long long requests_max_;
  int epoll_;
  std::string request_;
  std::vector<char> room_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 8) return std::fprintf(stderr, "usage: load PORT PATH CONNECTIONS SECONDS REQUESTS CERTIFICATE KEY\n"), 2;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384");
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 1 << 18);
  SSL_CTX_use_certificate_chain_file(context, words[6]);
  SSL_CTX_use_PrivateKey_file(context, words[7], SSL_FILETYPE_PEM);
  Load load(context, std::atoi(words[1]), words[2], std::atoll(words[5]));
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < std::atoi(words[3]); ++i) {
    connections.push_back(std::make_unique<Connection>());
    if (!load.open(*connections.back())) return std::fprintf(stderr, "load: connection %d failed\n", i), 1;
    ++load.open_;
  }
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto start = Time::now();
  const auto seconds = std::atof(words[4]);
  for (auto& c : connections) load.ask(*c);
  load.run(start + std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(seconds > 0 ? seconds : 3600)));
  const double took = std::chrono::duration<double>(Time::now() - start).count();
  getrusage(RUSAGE_SELF, &after);
  auto& ms = load.totals.latency_ms;
  std::sort(ms.begin(), ms.end());
  auto cpu = [](const rusage& r) {
    return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + 1e-6 * static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
  };
  std::printf("{\"requests\": %lld, \"bytes\": %lld, \"errors\": %lld, \"seconds\": %.4f, \"load_cpu_s\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
              load.totals.requests, load.totals.bytes, load.totals.errors, took, cpu(after) - cpu(before),
              ms.empty() ? 0.0 : static_cast<double>(ms[ms.size() / 2]), ms.empty() ? 0.0 : static_cast<double>(ms[ms.size() * 99 / 100]));
  return load.totals.errors == 0 ? 0 : 1;
}
