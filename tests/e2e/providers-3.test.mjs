import './providers.mjs?3/3';
