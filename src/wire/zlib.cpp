#include "wire/zlib.hpp"

#include <zlib.h>

#include <algorithm>

namespace fp::wire {
namespace {

constexpr std::size_t kStep = 64U << 10;

struct Inflater {
  z_stream stream{};
  bool ready = false;
  Inflater() { ready = ::inflateInit(&stream) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) ::inflateEnd(&stream);
  }
};

}  // namespace

Result<std::string> inflate_zlib(std::string_view stream, std::size_t bytes_max) {
  Inflater z;
  if (!z.ready || stream.size() > 0xFFFFFFFFU) return fail(Code::internal, "zlib could not start");
  z.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
  z.stream.avail_in = static_cast<uInt>(stream.size());
  std::string out;
  while (true) {
    const std::size_t had = out.size();
    const std::size_t step = std::min(std::max(kStep, had), bytes_max + 1 - had);
    if (step == 0) return fail(Code::too_large, "a compressed text of more than {} bytes", bytes_max);
    out.resize(had + step);
    z.stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.stream.avail_out = static_cast<uInt>(step);
    const int done = ::inflate(&z.stream, Z_NO_FLUSH);
    out.resize(had + step - z.stream.avail_out);
    if (out.size() > bytes_max) return fail(Code::too_large, "a compressed text of more than {} bytes", bytes_max);
    if (done == Z_STREAM_END) return out;
    if (done != Z_OK && done != Z_BUF_ERROR) return fail(Code::invalid, "not a zlib stream");
    if (z.stream.avail_in == 0 && z.stream.avail_out != 0) return fail(Code::invalid, "a zlib stream that ends in the middle");
  }
}

std::string deflate_zlib(std::string_view bytes) {
  uLongf size = ::compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
              static_cast<uLong>(bytes.size()), Z_DEFAULT_COMPRESSION);
  out.resize(size);
  return out;
}

}  // namespace fp::wire
