# The headers of the installed library: what a program that links it may include, and what these include in turn.
# tools/check-package compiles each alone, against the installed files.
set(LSTAR_PUBLIC_HEADERS
    # Models and measurements: begin with study/open_model.h.
    study/open_model.h study/attention_spectra.h study/measurement.h study/measure_missing.h study/controls.h study/study.h study/study_chance.h study/prompts.h study/inspect.h
    study/series.h study/trace_files.h
    # Results once more, and two of them side by side.
    study/evaluate_run.h study/result_diff.h study/result_file.h
    # What was published against what follows from it.
    study/audit.h study/measured_points.h study/published.h
    # Forms fitted to what was measured.
    study/fit_study.h analysis/chance.h analysis/fit_null.h analysis/forms.h analysis/linear_fit.h
    analysis/residual_gain.h
    # Where measurements are kept: begin with study/store/store.h.
    study/store/content.h study/store/prompt_observation.h study/store/store.h study/store/store_access.h
    study/store/store_key.h study/store/study_record.h
    # What a measurement says: pure functions.
    analysis/agreement.h analysis/chance.h analysis/decides.h analysis/detectors.h analysis/estimators.h analysis/fit_null.h
    analysis/formulas.h analysis/gain_bound.h analysis/gauge.h analysis/intervals.h analysis/linear_fit.h analysis/power.h
    analysis/spectrum.h analysis/statistics.h analysis/transition.h
    # The layers below, for what is built on them.
    model/forward.h model/weight_norms.h
    architecture/architecture.h architecture/configured.h architecture/head_layout.h architecture/rotary.h architecture/untrained_twin.h
    architecture/weights.h
    compute/backend.h compute/numerics_version.h compute/ops.h
    observe/mean_attention.h observe/observation.h observe/observer.h observe/weight_norms.h
    tokenizer/tokenizer.h
    hub/blob_download.h hub/environment.h hub/http.h hub/hub_cache.h hub/hub_client.h hub/locate_model.h hub/model_files.h
    checkpoint/checkpoint.h checkpoint/checkpoint_identity.h checkpoint/configuration.h checkpoint/hub_model.h
    checkpoint/memory_checkpoint.h checkpoint/placed_checkpoint.h checkpoint/random_checkpoint.h
    checkpoint/stored_type.h checkpoint/weight_index.h
    base/array.h base/dtype.h base/json.h base/result.h base/steps.h base/worker_pool.h
    # Reports as text and files.
    report/detail.h report/text/study_text.h report/text/trace_text.h report/figures/gnuplot.h report/write_study.h)
