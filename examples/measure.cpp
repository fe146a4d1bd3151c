// Opens a model, measures it twice, cancels a third time, and prints where the trace of its sheaf Laplacian changes most.
#include <iostream>
#include <vector>

#include <lstar/analysis/detectors.h>
#include <lstar/analysis/estimators.h>
#include <lstar/study/open_model.h>

int main(int argc, char** argv) {
  auto model = lstar::OpenModel::open(argc > 1 ? argv[1] : "");
  if (!model) {
    std::cerr << "measure: " << model.error().message() << '\n';
    return 1;
  }
  const std::vector<lstar::Prompt> prompts{{.text = {}, .ids = {5, 7, 11, 13, 17, 19, 23}}};
  for (const lstar::Dtype dtype : {lstar::Dtype::float32, lstar::Dtype::float64}) {
    const auto m = model->measure(prompts, {.numerics = {.dtype = dtype}});
    if (!m || !m->prompts[0].row) return 1;
    const lstar::Trace trace = lstar::trace_of(*lstar::find_estimator("off_diagonal"), m->seen, m->weights, 0, dtype);
    const lstar::Detection found = lstar::detect(*lstar::find_detector("argmax_step"), trace.trace, trace.floor);
    std::cout << m->shape.family << ", " << name(dtype) << ": L* = " << found.layer.value_or(-1) << " of "
              << m->shape.layers << " layers" << (found.resolved ? "\n" : ", not resolved\n");
  }
  const auto stop = [](const lstar::Step& step) { return step.phase != lstar::Phase::layers || step.done < 2; };
  const auto cancelled = model->measure(prompts, {.on_step = stop});
  std::cout << "the third: " << (cancelled ? "was not stopped" : cancelled.error().message()) << '\n';
  return cancelled ? 1 : 0;
}
