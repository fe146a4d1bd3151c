#include "lstar/analysis/distributions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/hypergeometric.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace lstar {
namespace {

// Out of a distribution's domain there is no number, and no exception either.
using Quiet = boost::math::policies::policy<boost::math::policies::domain_error<boost::math::policies::ignore_error>,
                                            boost::math::policies::overflow_error<boost::math::policies::ignore_error>>;
using Normal = boost::math::normal_distribution<double, Quiet>;
using StudentsT = boost::math::students_t_distribution<double, Quiet>;
using FisherF = boost::math::fisher_f_distribution<double, Quiet>;

using Hypergeometric = boost::math::hypergeometric_distribution<double, Quiet>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

double normal_cdf(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

double normal_quantile(double p) {
  if (p == 0 || p == 1) return p == 0 ? -kInfinity : kInfinity;
  return boost::math::quantile(Normal(), p);
}

double student_t_quantile(double p, double degrees) { return boost::math::quantile(StudentsT(degrees), p); }

double student_t_two_sided(double t, double degrees) {
  if (std::isinf(t)) return 0;
  return 2 * boost::math::cdf(boost::math::complement(StudentsT(degrees), std::fabs(t)));
}

double f_tail(double f, double degrees_1, double degrees_2) {
  if (std::isinf(f)) return 0;
  return boost::math::cdf(boost::math::complement(FisherF(degrees_1, degrees_2), f));
}

double hypergeometric(int64_t k, int64_t drawn, int64_t with, int64_t all) {
  if (drawn < 0 || with < 0 || drawn > all || with > all) return 0;
  if (k < std::max<int64_t>(0, drawn + with - all) || k > std::min(drawn, with)) return 0;
  return boost::math::pdf(
      Hypergeometric(static_cast<unsigned>(with), static_cast<unsigned>(drawn), static_cast<unsigned>(all)),
      static_cast<unsigned>(k));
}

}  // namespace lstar
