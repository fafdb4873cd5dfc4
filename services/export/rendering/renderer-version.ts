/** Part of a snapshot's key: goes up with every change that renders any record to other bytes. */
export const RENDERER_VERSION = 1;
