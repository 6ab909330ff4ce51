import * as contracts from '@rialto/contracts';
import * as crypto from '@rialto/crypto';

test('what the server promises of epochs and leaves is what the groups allow', () => {
  expect({ pastEpochs: contracts.MAX_PAST_EPOCHS, leaves: contracts.MAX_LEAVES }).toEqual({
    pastEpochs: crypto.MAX_PAST_EPOCHS,
    leaves: crypto.MAX_LEAVES,
  });
});
