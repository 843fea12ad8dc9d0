/**
 * npm run web: serves the page on this machine. With --share to others in the network too, by https, without which their browsers give no
 * WebGPU, and passes on the offers of those who train together. Other arguments are Vite's.
 */
const given = process.argv.slice(2);
const shares = given.includes('--share');
if (shares) process.env.DESCENT_SHARE = 'network';
process.argv.splice(2, Infinity, ...given.filter(word => word !== '--share'));
await import('../node_modules/vite/bin/vite.js');
