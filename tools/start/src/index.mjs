export { startSystem } from './system.mjs';
