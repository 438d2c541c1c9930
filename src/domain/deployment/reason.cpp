#include "domain/deployment/reason.hpp"

#include <iterator>

namespace fp::deployment {

std::string sentence(const Reasons& reasons) {
  std::string out;
  for (const auto& r : reasons) {
    if (!out.empty()) out += "; ";
    out += r.what;
    if (!r.because.empty()) out += ": " + r.because;
  }
  return out;
}

void append(Reasons& to, Reasons more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace fp::deployment
