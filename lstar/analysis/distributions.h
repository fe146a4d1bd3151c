// Quantiles and tails of the distributions that tests and intervals need: Boost.Math's, in one place. Pure; safe from
// any thread.
#pragma once

#include <cstdint>

namespace lstar {

double normal_cdf(double x);
double normal_quantile(double p);                             // -infinity at 0, infinity at 1
double student_t_quantile(double p, double degrees);          // of freedom
double student_t_two_sided(double t, double degrees);         // P(|T| >= |t|)
double f_tail(double f, double degrees_1, double degrees_2);  // P(F >= f)

// That of `drawn` of `all` things, `with` of which are of a kind, `k` are of that kind; 0 where that cannot be.
double hypergeometric(int64_t k, int64_t drawn, int64_t with, int64_t all);

}  // namespace lstar
