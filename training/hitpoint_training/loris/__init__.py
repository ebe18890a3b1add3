"""LORIS (Yu et al., ICML 2023) as its paper describes it: waveforms from pose, I3D features and genre."""
