SELECT bench_move_batch(:size);
