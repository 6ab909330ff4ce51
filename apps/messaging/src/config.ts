import * as z from 'zod';

/** Messaging needs nothing but what every service is told. */
export const messagingConfig = z.object({});
