// Quantiles and tails of the distributions that tests and intervals need: Boost.Math's, in one place. Pure; safe from
// any thread.
#pragma once

namespace lstar {

double normal_cdf(double x);
double normal_quantile(double p);                             // -infinity at 0, infinity at 1
double student_t_quantile(double p, double degrees);          // of freedom
double student_t_two_sided(double t, double degrees);         // P(|T| >= |t|)
double f_tail(double f, double degrees_1, double degrees_2);  // P(F >= f)

}  // namespace lstar
