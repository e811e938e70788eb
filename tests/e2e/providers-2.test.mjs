import './providers.mjs?2/3';
