// Placeholder until the real program arrives.
return 0;
