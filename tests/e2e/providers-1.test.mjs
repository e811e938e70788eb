import './providers.mjs?1/3';
