/**
 * Asks whether the program runs with good settings, and nothing more: it is answered before the store has
 * been asked for anything.
 */
export const HEALTH_PATH = '/healthz'
