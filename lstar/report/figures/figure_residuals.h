// What fitted forms leave of L*, ready to be drawn. Pure: the same fits give the same figure.
#pragma once

#include "lstar/report/figures/gnuplot.h"
#include "lstar/study/fit_study.h"

namespace lstar {

// A panel a form that was fitted: residuals (L* - fitted) / L against the fitted L*/L, models named and coloured by
// lab. A model whose L* is not resolved is drawn hollow.
Figure residuals_figure(const FitStudy&);

}  // namespace lstar
